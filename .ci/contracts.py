"""Two kinds of dependency rule that import-linter does not bring along.

`only`      says everything that some modules may import; the rest is forbidden, known or not.
`confined`  says which modules may import an outside package; all others may not.

Both look at direct imports: what a neighbour imports is that neighbour's affair. Owns the meaning
of the rules; which rules there are stands in pyproject.toml.
"""

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def within(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of these packages, or lies inside one. `*` matches one name."""
    parts = module.split(".")
    prefixes = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(
        prefix.count(".") == package.count(".") and fnmatchcase(prefix, package)
        for package in packages
        for prefix in prefixes
    )


class _DirectImports(Contract):
    """What both rules share: forbidden direct imports are gathered and shown with their lines."""

    def _result(self, graph: ImportGraph, broken: list[tuple[str, str]]) -> ContractCheck:
        found = []
        for importer, imported in broken:
            details = graph.get_import_details(importer=importer, imported=imported)
            lines = ", ".join(str(detail["line_number"]) for detail in details)
            found.append(f"{importer} imports {imported} (line {lines})")
        return ContractCheck(kept=not found, metadata={"found": sorted(found)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["found"]:
            output.print_error(f"- {line}", bold=False)
        output.new_line()


class OnlyContract(_DirectImports):
    """`modules` (without `excluding`) import the standard library, themselves and `may_import`."""

    modules = fields.SetField(subfield=fields.StringField())
    excluding = fields.SetField(subfield=fields.StringField(), required=False, default=frozenset())
    may_import = fields.SetField(subfield=fields.StringField(), required=False, default=frozenset())
    apart = fields.BooleanField(required=False, default=False)
    outside = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        projects = {"worker", "nagatha_desktop", "modules"}
        broken = []
        for importer in sorted(graph.modules):
            if not within(importer, self.modules) or within(importer, self.excluding):
                continue
            # With `apart`, each match of a pattern keeps to itself: modules.a never sees modules.b.
            home = self._home(importer) if self.apart else self.modules
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                top = imported.split(".")[0]
                if top in sys.stdlib_module_names or within(imported, {*home, *self.may_import}):
                    continue
                if self.outside and top not in projects:
                    continue
                broken.append((importer, imported))
        return self._result(graph, broken)

    def _home(self, importer: str) -> set[str]:
        depth = min(p.count(".") for p in self.modules if within(importer, [p])) + 1
        return {".".join(importer.split(".")[:depth])}


class ConfinedContract(_DirectImports):
    """The outside `packages` are imported by the `owners` and by nobody else."""

    packages = fields.SetField(subfield=fields.StringField())
    owners = fields.SetField(subfield=fields.StringField(), required=False, default=frozenset())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = [
            (importer, package)
            for package in sorted(self.packages)
            if package in graph.modules
            for importer in sorted(graph.find_modules_that_directly_import(package))
            if not within(importer, self.owners)
        ]
        return self._result(graph, broken)
