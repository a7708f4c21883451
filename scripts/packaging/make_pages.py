#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes man pages and completions of the shell from muir's own help, so that none can drift.

usage: make_pages.py MUIR FOLDER        writes FOLDER/man1/*.1, FOLDER/muir.bash and FOLDER/_muir (zsh)"""
import json
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z_][\w-]*)")
KINDS = ("scenarios", "fleets", "chips", "stacks", "models", "faults", "families", "schedules", "collectives", "kernels")
EXIT_CODES = (("0", "done"), ("2", "wrong input"), ("75", "stopped early, but resumable"), ("1", "anything else"))


def ask(muir, *arguments):
    return json.loads(subprocess.run([muir, *arguments, "--json", "-"], check=True, capture_output=True, text=True).stdout)


def roff(text):
    """Text as it stands, for nroff: backslashes, leading dots and quotes are its own, hyphens are to be copied."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def page(title, name, synopsis, sections, version):
    parts = [f'.TH {title.upper()} 1 "" "muir {version}" "User Commands"',
             f".SH NAME\n{roff(title)} \\- {roff(name)}",
             f".SH SYNOPSIS\n.nf\n{roff(synopsis)}\n.fi"]
    parts += [f".SH {heading}\n.nf\n{roff(text.rstrip())}\n.fi" for heading, text in sections if text.strip()]
    return "\n".join(parts) + "\n"


def options_of(command):
    """Options in the order of the help, each once."""
    found = OPTION.findall(command["usage"] + "\n" + command["help"])
    return list(dict.fromkeys([*found, "--help"]))


def man_pages(commands, version):
    listed = "\n".join(f"  {command['name']:<9} {command['summary']}" for command in commands)
    codes = "\n".join(f"  {code:<3} {meaning}" for code, meaning in EXIT_CODES)
    environment = "  MUIR_DATA   the folder with fleets, chips, models, stacks, faults and scenarios"
    also = ", ".join(f"muir-{command['name']}(1)" for command in commands)
    yield "muir.1", page("muir", "rehearses a training run on a fleet you do not have", "muir COMMAND ...\nmpirun -n N muir COMMAND ...",
                         [("COMMANDS", listed), ("EXIT STATUS", codes), ("ENVIRONMENT", environment), ("SEE ALSO", also)], version)
    for command in commands:
        yield f"muir-{command['name']}.1", page(
            f"muir-{command['name']}", command["summary"], f"muir {command['name']} {command['usage']}",
            [("OPTIONS", command["help"]), ("EXIT STATUS", codes), ("SEE ALSO", "muir(1)")], version)


BASH = """# SPDX-License-Identifier: BSD-3-Clause
# Completion of muir for bash, made from its help. Names come from `muir list`, keys from `muir help`.
_muir() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$current"))
        return
    fi
    case $previous in
        -o | --output | --json | --csv) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    case $command in
{cases}
    esac
    case $command in
        run | check | plan | power)
            [[ $current == -* ]] || words+=" $(muir list scenarios --json - 2>/dev/null | sed -n 's/.*"name": "\\(.*\\)".*/\\1/p')" ;;
        list) words+=" {kinds}" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}}
complete -F _muir muir
"""

ZSH = """#compdef muir
# SPDX-License-Identifier: BSD-3-Clause
# Completion of muir for zsh, made from its help.
local -a commands
commands=(
{commands}
)
if (( CURRENT == 2 )); then
    _describe command commands
    return
fi
case $words[2] in
{cases}
esac
case $words[2] in
    run|check|plan|power) compadd -- $(muir list scenarios --json - 2>/dev/null | sed -n 's/.*"name": "\\(.*\\)".*/\\1/p') ;;
    list) compadd -- {kinds} ;;
esac
_files
"""


def completions(commands):
    bash = "\n".join(f"        {command['name']}) words='{' '.join(options_of(command))}' ;;" for command in commands)
    zsh = "\n".join(f"    {command['name']}) compadd -- {' '.join(options_of(command))} ;;" for command in commands)
    listed = "\n".join(f"    {json.dumps(command['name'] + ':' + command['summary'])}" for command in commands)
    yield "muir.bash", BASH.format(commands=" ".join(c["name"] for c in commands), cases=bash, kinds=" ".join(KINDS))
    yield "_muir", ZSH.format(commands=listed, cases=zsh, kinds=" ".join(KINDS))


def main(muir, folder):
    folder = pathlib.Path(folder)
    commands = ask(muir, "help")["commands"]
    version = subprocess.run([muir, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    (folder / "man1").mkdir(parents=True, exist_ok=True)
    for name, text in man_pages(commands, version):
        (folder / "man1" / name).write_text(text, encoding="utf-8")
    for name, text in completions(commands):
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
