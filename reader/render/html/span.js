"use strict";
// The span of an operation, as OpenTelemetry knows it: the member "otel" of its info is the
// span as OTLP/JSON text.

const spanKinds = ["", "internal", "server", "client", "producer", "consumer"];
const spanStatus = ["", "ok", "error"];

// spanOf returns the parts of the span that an info's member "otel" holds, or null.
function spanOf(info) {
  const text = jsonGet(info, "otel");
  const data = text?.kind === "string" ? parseJSON(text.text) : null;
  const resourceSpans = firstItem(jsonGet(data, "resourceSpans"));
  const scopeSpans = firstItem(jsonGet(resourceSpans, "scopeSpans"));
  const span = firstItem(jsonGet(scopeSpans, "spans"));
  if (!span) return null;
  const plain = (key) => jsonText(jsonGet(span, key));
  const status = jsonGet(span, "status");
  return {
    name: plain("name"),
    kind: spanKinds[Number(plain("kind"))] ?? plain("kind"),
    status: spanStatus[Number(jsonText(jsonGet(status, "code")))] ?? "",
    message: jsonText(jsonGet(status, "message")),
    traceId: plain("traceId"),
    spanId: plain("spanId"),
    traceState: plain("traceState"),
    begin: plain("startTimeUnixNano"),
    attributes: attributesOf(span),
    events: (jsonGet(span, "events")?.items ?? []).map((event) => ({
      time: jsonText(jsonGet(event, "timeUnixNano")),
      name: jsonText(jsonGet(event, "name")),
      attributes: attributesOf(event),
    })),
    links: (jsonGet(span, "links")?.items ?? []).map((link) => ({
      traceId: jsonText(jsonGet(link, "traceId")),
      spanId: jsonText(jsonGet(link, "spanId")),
      traceState: jsonText(jsonGet(link, "traceState")),
      attributes: attributesOf(link),
    })),
    dropped: ["Attributes", "Events", "Links"]
      .map((what) => [what.toLowerCase(), plain("dropped" + what + "Count")])
      .filter(([, n]) => n && n !== "0"),
    resource: attributesOf(jsonGet(resourceSpans, "resource")),
    scope: jsonGet(scopeSpans, "scope"),
  };
}

function firstItem(array) {
  return array?.kind === "array" ? array.items[0] : undefined;
}

// attributesOf returns a list of [key, value] pairs.
function attributesOf(object) {
  const list = jsonGet(object, "attributes")?.items ?? [];
  return list.map((attribute) => [jsonText(jsonGet(attribute, "key")), anyValue(jsonGet(attribute, "value"))]);
}

// anyValue turns OTLP's AnyValue into the value itself.
function anyValue(value) {
  const [kind, inner] = value?.kind === "object" && value.members.length > 0 ? value.members[0] : [];
  switch (kind) {
    case "intValue":
    case "doubleValue":
      return { kind: "number", text: jsonText(inner) };
    case "arrayValue":
      return { kind: "array", items: (jsonGet(inner, "values")?.items ?? []).map(anyValue) };
    case "kvlistValue":
      return {
        kind: "object",
        members: (jsonGet(inner, "values")?.items ?? []).map((pair) => [
          jsonText(jsonGet(pair, "key")),
          anyValue(jsonGet(pair, "value")),
        ]),
      };
    default:
      return inner ?? value ?? { kind: "string", text: "" };
  }
}

// spanSections shows attributes, events, links and the resource.
function spanSections(span) {
  const parts = [];
  if (span.attributes.length > 0) parts.push(section("Attributes", "attributes", fields(span.attributes)));
  const list = (title, name, items, make) => {
    if (items.length > 0)
      parts.push(section(title + " (" + count(items.length) + ")", name, listed(el("div"), items, mostMembers, make)));
  };
  list("Events", "events", span.events, (event) => spanEvent(event, span));
  list("Links", "links", span.links, spanLink);
  const about = fields([
    ["name", span.name],
    ["kind", span.kind],
    ["status", [span.status, span.message].filter(Boolean).join(": ")],
    ["trace id", span.traceId],
    ["span id", span.spanId],
    ["trace state", span.traceState],
    ...span.dropped.map(([what, n]) => ["dropped " + what, n]),
    ["scope", span.scope],
    ...span.resource,
  ]);
  parts.push(folded("OpenTelemetry span and resource", "span", about));
  return parts;
}

// spanEvent shows one event with its time since the span's start.
function spanEvent(event, span) {
  let since = "";
  try {
    since = "after " + duration(Number(BigInt(event.time) - BigInt(span.begin)) / 1000);
  } catch {
    since = ""; // no time
  }
  const head = el(
    "h4",
    {},
    el("bdi", { text: visible(event.name) || "(no name)" }),
    " ",
    el("span", { class: "faint", text: since }),
    copyButton("the event", () =>
      JSON.stringify(
        {
          name: event.name,
          timeUnixNano: event.time,
          attributes: Object.fromEntries(event.attributes.map(([key, value]) => [key, jsonText(value)])),
        },
        null,
        2,
      ),
    ),
  );
  return el("div", { class: "event" }, head, fields(event.attributes));
}

// spanLink shows one link, and goes to its operation if that is in this trace.
function spanLink(link) {
  const op = operationOfSpan(link.spanId);
  const go =
    op < 0
      ? null
      : el(
          "button",
          { type: "button", class: "to-op", onclick: () => goTo(op) },
          "Go to " + (show(T.name[op]) || "the operation"),
        );
  return el(
    "div",
    { class: "event" },
    fields([["trace id", link.traceId], ["span id", link.spanId], ["trace state", link.traceState], ...link.attributes]),
    go,
  );
}

// operationOfSpan finds an operation by a span id. An operation's id ends with the
// span's id if the span came from OpenTelemetry.
function operationOfSpan(spanId) {
  if (!/^[0-9a-f]{16}$/i.test(spanId)) return -1;
  for (let op = 0; op < T.n; op++) {
    if (str(T.id[op]).replaceAll("-", "").toLowerCase().endsWith(spanId.toLowerCase())) return op;
  }
  return -1;
}
