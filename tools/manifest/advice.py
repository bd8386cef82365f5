"""What to write instead, for what the standard tool complains about.

It says where a mistake is and what kind it is; what a manifest could mean there is known here. The advice follows the complaint
and is to be taken word for word: "write `log` instead of `lgo`".
"""
import difflib
import re

COMPLAINT = re.compile(r"(?P<place>\S+?:(?P<line>\d+):(?P<begin>\d+)(?:-(?P<end>\d+))?): error: (?P<what>.*)")
CONSTANT = re.compile(r"\bconst\s+(\w+)\s*:")


class Advisor:
    """`source`: text of the file; `nodes`: of the manifest's schema."""

    def __init__(self, source, nodes):
        self.lines, self.constants = source.splitlines(), CONSTANT.findall(source)
        self.nodes = nodes
        fields = [field for node in nodes for field in node.fields]
        self.fields = {field.name for field in fields}
        self.groups = {field.name: field.group for field in fields if field.group is not None}
        self.types = {node.short_name for node in nodes}
        self.enumerants = {each.name for node in nodes for each in node.enumerants}

    def advised(self, complaint):
        """The complaint, with what to do about it where that is known."""
        found = COMPLAINT.fullmatch(complaint)
        if found is None:
            return complaint
        line = self.lines[int(found["line"]) - 1] if int(found["line"]) <= len(self.lines) else ""
        begin = int(found["begin"]) - 1
        token = line[begin:int(found["end"]) - 1] if found["end"] else ""
        advice = self.of_name(found["what"]) or self.of_value(found["what"], token, line[:begin])
        return f"{complaint.rstrip('.')}; {advice}" if advice else complaint

    def of_name(self, what):
        for pattern, names in ((r"Struct has no field named '(\w+)'", self.fields), (r"'\w+' has no member named '(\w+)'", self.types),
                               (r"Not defined: (\w+)", self.enumerants | set(self.constants) | self.types)):
            if found := re.match(pattern, what):
                near = nearest(found[1], names)
                return near and f"write `{near}` instead of `{found[1]}`"
        return None

    def of_value(self, what, token, before):
        digits = re.search(r"\d+", token)
        if "expected Text" in what:
            return f'write `"{token}"` instead' if token and '"' not in token else None
        if re.search(r"expected U?Int\d+", what):
            return f"write `{digits[0]}` instead" if digits else "write a number instead"
        if "Integer value out of range" in what:
            return "write `0` instead, or another number from 0 on"
        if "expected Bool" in what:
            return f"write `{'false' if token == '0' else 'true'}` instead"
        if "expected List" in what and token:
            return f"write `[{token}]` instead"
        field = re.search(r"(\w+)\s*=\s*$", before)
        if "expected group" in what and field and field[1] in self.groups:
            group = next(node for node in self.nodes if node.id == self.groups[field[1]])
            return f"write `({', '.join(f'{each.name} = {sample(each, self.nodes)}' for each in group.fields)})` instead"
        return None


def sample(field, nodes):
    """A value that a field of a group may have."""
    enum = next((node for node in nodes if node.id == field.type.id and node.enumerants), None) if field.type.kind == "enum" else None
    return enum.enumerants[0].name if enum else "1"


def nearest(word, names):
    """The name that is most likely meant; None when none is near."""
    by_lower = {name.lower(): name for name in sorted(names) if name != word}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
