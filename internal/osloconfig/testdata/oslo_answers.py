"""Answers what the real oslo.config reads from configuration files.

Standard input has a JSON list of cases, each a list of the texts of files. Standard
output gets a list of answers: null if oslo.config refuses the files, or a list of
[section, option, value, values] with the value of the last assignment and all values;
a value that oslo.config cannot read is null.
"""

import json
import os
import sys
import tempfile

from oslo_config import cfg
from oslo_config import iniparser


def options(paths):
    found = []
    for path in paths:
        sections, normalized = {}, {}
        parser = cfg.ConfigParser(path, sections)
        parser._add_normalized(normalized)
        parser.parse()
        for section, values in normalized.items():
            for name in values:
                if (section, name) not in found:
                    found.append((section, name))
    return found


def value(names, paths, section, name, kind):
    conf = cfg.ConfigOpts()
    for other_section, other in names:
        opt = kind(other) if (other_section, other) == (section, name) else cfg.StrOpt(other)
        conf.register_opt(opt, group=None if other_section == "DEFAULT" else other_section)
    conf([a for p in paths for a in ("--config-file", p)], project="x",
         default_config_files=[], default_config_dirs=[], use_env=False)
    try:
        return conf._get(name, None if section == "DEFAULT" else conf._get_group(section))
    except Exception:
        return None


def answer(texts, folder):
    paths = []
    for i, text in enumerate(texts):
        paths.append(os.path.join(folder, "%d.conf" % i))
        with open(paths[-1], "w", newline="") as f:
            f.write(text)
    try:
        names = options(paths)
    except (cfg.Error, iniparser.ParseError):
        return None
    return [[s, n, value(names, paths, s, n, cfg.StrOpt), value(names, paths, s, n, cfg.MultiStrOpt)]
            for s, n in sorted(names)]


with tempfile.TemporaryDirectory() as folder:
    json.dump([answer(texts, folder) for texts in json.load(sys.stdin)], sys.stdout)
