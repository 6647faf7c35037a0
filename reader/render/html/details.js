"use strict";
// The pane with all that is known of one operation.

let detailsOf = -1;

function initDetails() {
  const later = debounce(60, drawDetails);
  on("select", () => later());
  drawDetails();
}

function section(title, name, ...children) {
  return el("section", { class: "detail-section", data: { section: name } }, el("h3", { text: title }), ...children);
}

// folded makes a section that is closed at first.
function folded(title, name, ...children) {
  return el("details", { class: "detail-section", data: { section: name } }, el("summary", { text: title }), ...children);
}

async function drawDetails() {
  const op = state.selected;
  const pane = $("details");
  detailsOf = op;
  if (op < 0) {
    pane.replaceChildren(
      el("p", { class: "faint", text: "Select an operation to see its times, parameters and notifications." }),
    );
    return;
  }
  pane.dataset.op = op;
  pane.dataset.id = str(T.id[op]);
  pane.dataset.ready = "no";
  const top = [detailsHead(op), detailsActions(op), section("Operation", "operation", operationFields(op))];
  let info = null;
  let parts;
  try {
    const text = await infoText(op);
    info = parseJSON(text);
    parts = info ? infoSections(op, info) : [section("Info", "info", textNode(text))];
  } catch (error) {
    parts = [el("p", { class: "faint", text: "The details cannot be read: " + error.message })];
  }
  if (detailsOf !== op) return; // another operation was selected meanwhile
  pane.replaceChildren(...top, ...parts);
  pane.scrollTop = 0;
  pane.dataset.ready = "yes";
}

function detailsHead(op) {
  const f = T.flags[op];
  const marks = markNames
    .filter(([bit]) => f & bit)
    .map(([, name, className, text]) => el("span", { class: "badge mark-" + className }, icon(name), text));
  const repeat = repeatOf(op);
  if (repeat)
    marks.push(
      el("span", { class: "badge mark-repeated", text: "×" + count(repeat.count) + ", together " + duration(repeat.total_us) }),
    );
  if (f & half) marks.push(el("span", { class: "badge" }, icon("half"), durationText(op)));
  if (T.end[op] < T.begin[op] && !(f & half))
    marks.push(el("span", { class: "badge" }, icon("clock"), "ends before it begins: clocks differ"));
  return el(
    "div",
    { class: "details-head" },
    el(
      "h2",
      {},
      el("span", { class: "chip c" + (T.colour[op] % 8), "aria-hidden": "true" }),
      el("bdi", { text: show(T.name[op]) || "(no name)" }),
    ),
    T.detail[op] ? traceText("p", str(T.detail[op]), { class: "details-what" }) : null,
    marks.length ? el("p", { class: "badges" }, ...marks) : null,
  );
}

function detailsActions(op) {
  return el(
    "p",
    { class: "actions" },
    el(
      "button",
      { type: "button", onclick: () => zoomToOp(op), title: "Zoom the timeline to this operation (z)" },
      icon("zoom"),
      "Zoom",
    ),
    copyButton("a link to this operation", () => linkTo(op), "Link"),
    copyButton("the id", () => str(T.id[op]), "Id"),
    copyButton(
      "the operation as JSON",
      async () => {
        const text = await infoText(op);
        const value = parseJSON(text);
        return value ? jsonWrite(value, "") : text;
      },
      "JSON",
    ),
  );
}

function operationFields(op) {
  const f = T.flags[op];
  const p = T.parent[op];
  const timed = !(f & flag.noTime);
  const whole = T.duration || T.to - T.from;
  const share = (us) => duration(us) + " (" + percent(us, whole) + " of the trace)";
  const time = (us) => duration(us) + " after the trace began";
  const began = T.began === null || T.began === undefined ? NaN : T.began;
  const times = [];
  const moment = (name, us) => {
    times.push([name, time(us), { plain: true, copy: String(us / 1000) + " ms" }]);
    if (Number.isNaN(began)) return;
    const utc = timeOfDay(began + us, false);
    const local = timeOfDay(began + us, true);
    times.push(["in UTC", utc, { plain: true }]);
    if (local.slice(0, 26) !== utc.slice(0, 26)) times.push(["local", local, { plain: true }]);
  };
  if (timed && !(f & flag.noStart)) moment("Start", T.begin[op]);
  if (timed && !(f & flag.noStop)) moment("Stop", T.end[op]);
  const parent =
    p >= 0
      ? el(
          "button",
          { type: "button", class: "to-op", onclick: () => goTo(p) },
          el("bdi", { text: [show(T.name[p]), show(T.detail[p])].filter(Boolean).join(" ").slice(0, 120) }),
        )
      : null;
  return fields([
    ["Service", str(T.service[op])],
    ["Project", str(T.project[op])],
    ["Host", str(T.host[op])],
    ["Kind", str(T.kind[op])],
    ["Status", str(T.status[op])],
    ["Duration", f & half ? durationText(op) : share(elapsed(op)), { plain: true, copy: duration(elapsed(op)) }],
    ["Itself", f & half ? "not known" : share(T.self[op]), { plain: true, copy: f & half ? "" : duration(T.self[op]) }],
    [
      "Critical path",
      f & flag.critical ? share(T.critical[op]) : f & half ? "not known" : "not on it",
      { plain: true, copy: "" },
    ],
    ...times,
    ["Precision", f & flag.wholeMs ? "whole milliseconds" : "", { plain: true, copy: "" }],
    [
      "Parent",
      parent ??
        (f & flag.orphan
          ? str(T.parentId[op]) +
            (operationById(str(T.parentId[op])) >= 0 ? " (is below it: the parents form a circle)" : " (not in the trace)")
          : "the trace"),
      { copy: str(T.parentId[op]) },
    ],
    [
      "Below it",
      T.last[op] - op - 1 > 0
        ? plural(T.children[op], "child", "children") + ", " + plural(T.last[op] - op - 1, "operation")
        : "nothing",
      { plain: true, copy: "" },
    ],
    ["Id", str(T.id[op])],
  ]);
}

// infoSections shows the info of the notifications: first the parameters of the
// start, then the result, then what OpenTelemetry knows.
function infoSections(op, info) {
  const parts = [];
  const notifications = notificationsOf(info);
  let span = null;
  if (T.exception[op]) parts.push(section("Failure", "failure", fields([["exception", str(T.exception[op])]])));
  for (const { key, value } of notifications) {
    const own = jsonGet(value, "info");
    if (own?.kind === "object") span = spanOf(own) ?? span;
    const rest = own?.kind === "object" ? own.members.filter(([name]) => name !== "host" && name !== "otel") : [];
    if (own && own.kind !== "object") parts.push(section(infoTitle(key), "info", jsonNode(own)));
    else if (rest.length > 0) parts.push(section(infoTitle(key), "info", ...calls(rest)));
  }
  if (span) parts.push(...spanSections(span));
  for (const { key, value } of notifications) {
    const text = jsonWrite(value, "");
    parts.push(folded("Notification " + visible(key), "notification", fields([["JSON", text]])));
  }
  const others = info.kind === "object" ? info.members.filter(([name]) => !name.startsWith("meta.raw_payload.")) : [];
  if (others.length > 0) parts.push(folded("Report's own fields", "report", fields(others)));
  return parts;
}

function infoTitle(key) {
  const name = visible(key);
  if (/-start(#\d+)?$/.test(key)) return "Parameters" + (key.includes("#") ? " (" + name + ")" : "");
  if (/-stop(#\d+)?$/.test(key)) return "Result" + (key.includes("#") ? " (" + name + ")" : "");
  return "Info of " + name;
}

// calls shows the members of an info. The members of a call ("db", "request", …)
// have a heading of their own.
function calls(list) {
  const parts = [];
  let plain = [];
  const flush = () => {
    if (plain.length > 0) parts.push(fields(plain));
    plain = [];
  };
  for (const [key, value] of list) {
    if (value.kind === "object" && value.members.length > 0) {
      flush();
      parts.push(
        el(
          "h4",
          {},
          el("bdi", { text: visible(key) }),
          copyButton(visible(key).slice(0, 60), () => jsonWrite(value, "")),
        ),
        jsonNode(value),
      );
    } else plain.push([key, value]);
  }
  flush();
  return parts;
}
