"""Answers what deprecated names the real oslo.messaging has, and what it reads by them.

Standard input has a list of [group, option]. Standard output gets a list of
[names, texts, values]: the deprecated names as [group, option], files that set the
option by all its names, as a list of cases, and the value of the option in each case.
"""

import json
import os
import sys
import tempfile

from oslo_config import cfg
from oslo_messaging import opts as messaging

REAL = {(str(group or "DEFAULT"), o.dest): o for group, options in messaging.list_opts() for o in options}


def cases(names):
    lines = ["[%s]\n%s = %d\n" % (g, o, i) for i, (g, o) in enumerate(names)]
    single = [[line] for line in lines]
    pairs = [case for a in lines for b in lines if a != b for case in ([a + b], [a, b])]
    return single + pairs


def value(group, option, names, texts, folder):
    paths = []
    for i, text in enumerate(texts):
        paths.append(os.path.join(folder, "%d.conf" % i))
        with open(paths[-1], "w") as f:
            f.write(text)
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt(option, deprecated_opts=[cfg.DeprecatedOpt(o, group=g) for g, o in names]), group=group)
    conf([a for p in paths for a in ("--config-file", p)], project="x",
         default_config_files=[], default_config_dirs=[], use_env=False)
    return conf[group][option]


def answer(group, option, folder):
    if (group, option) not in REAL:
        return [[], [], []]
    names = [[d.group or group, d.name or option] for d in REAL[group, option].deprecated_opts]
    texts = cases([[group, option]] + names) if names else []
    return [names, texts, [value(group, option, names, t, folder) for t in texts]]


with tempfile.TemporaryDirectory() as folder:
    json.dump([answer(g, o, folder) for g, o in json.load(sys.stdin)], sys.stdout)
