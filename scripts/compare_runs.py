#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether runs of one scenario and seed left the same bytes: compare_runs.py A.h5 B.h5 [...]

Every dataset, and its attributes, is compared with the first file's, byte for byte, unless its provenance is executed or
measured, or its group is one of the host clock's. One line per difference: name, first differing index, both values. What
has a dimension `rank` is compared only between runs on equally many ranks. Exit status 0 if all is equal, 1 if not, 2 if a
file cannot be read.
"""
import argparse
import sys

from python_with import python_with

python_with("h5py", "numpy")
import h5py
import numpy as np

from open_run import open_run

HOST_CLOCK = ("executed", "measured")
HOST_GROUPS = ("host", "host_flips", "host_trace")  # where flips are planted depends on the sizes that this machine takes
BLOCK_BYTES = 64 << 20
LINKS = ("DIMENSION_LIST", "REFERENCE_LIST")  # addresses inside the file; compared as the names they lead to


def datasets(file):
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def provenance(dataset):
    value = dataset.attrs.get("provenance", "")
    return value.decode().rstrip("\0") if isinstance(value, bytes) else str(value)


def dimensions(dataset):
    """The names of the scales of each axis, and the axis' label."""
    if h5py.h5ds.is_scale(dataset.id):
        return [[dataset.name.rsplit("/", 1)[-1]]]
    return [[scale.name.rsplit("/", 1)[-1] for scale in axis.values()] + [axis.label] for axis in dataset.dims]


def depends_on_ranks(a, b):
    """Whether the shapes differ, and only along axes named rank."""
    if a.shape == b.shape or len(a.shape) != len(b.shape):
        return False
    return all(n == m or "rank" in names for n, m, names in zip(a.shape, b.shape, dimensions(a)))


def first_difference(a, b):
    """Index, and both values, of the first place where two arrays of one type and shape differ in any byte; or None."""
    if a.dtype.hasobject:  # texts of varying length
        differs = np.array([x != y for x, y in zip(a.ravel(), b.ravel())], dtype=bool)
    else:
        size = max(a.dtype.itemsize, 1)
        rows = [np.frombuffer(array.tobytes(), np.uint8).reshape(-1, size) for array in (a, b)]
        differs = (rows[0] != rows[1]).any(axis=1)
    if not differs.any():
        return None
    index = tuple(int(i) for i in np.unravel_index(np.argmax(differs), a.shape))
    return index, a[index], b[index]


def blocks(dataset):
    """Slices along the first axis, each of at most BLOCK_BYTES."""
    row_bytes = max(dataset.dtype.itemsize * int(np.prod(dataset.shape[1:])), 1)
    rows = max(BLOCK_BYTES // row_bytes, 1)
    return [slice(start, start + rows) for start in range(0, dataset.shape[0], rows)]


def value_differences(name, a, b):
    if a.dtype != b.dtype:
        yield f"{name}: type {a.dtype} and {b.dtype}"
    elif a.shape != b.shape:
        yield f"{name}: shape {a.shape} and {b.shape}"
    elif a.shape == ():
        if difference := first_difference(np.asarray(a[()], a.dtype), np.asarray(b[()], b.dtype)):
            yield f"{name}: {difference[1]!r} and {difference[2]!r}"
    elif a.shape is not None:
        for block in blocks(a):
            if difference := first_difference(a[block], b[block]):
                (row, *rest), x, y = difference
                yield f"{name}{[row + block.start, *rest]}: {x!r} and {y!r}"
                return


def attribute_differences(name, a, b):
    for key in sorted({*a.attrs, *b.attrs} - {*LINKS}):
        x, y = (np.asarray(item.attrs[key]) if key in item.attrs else None for item in (a, b))
        if x is None or y is None:
            yield f"{name}: attribute {key} only in the {'first' if y is None else 'other'} file"
        elif x.dtype != y.dtype or x.shape != y.shape or first_difference(x, y):
            yield f"{name}: attribute {key}: {x.tolist()!r} and {y.tolist()!r}"
    if dimensions(a) != dimensions(b):
        yield f"{name}: dimensions {dimensions(a)} and {dimensions(b)}"


def compare(a, b):
    """Prints the differences of two open files; the numbers of equal, differing and skipped datasets, and of those
    skipped because they depend on the number of ranks."""
    left, right = datasets(a), datasets(b)
    equal = differ = skipped = by_ranks = 0
    for name in sorted({*left, *right}):
        both = [side[name] for side in (left, right) if name in side]
        if name.split("/")[0] in HOST_GROUPS or all(provenance(dataset) in HOST_CLOCK for dataset in both):
            skipped += 1
            continue
        if len(both) == 1:
            found = [f"/{name}: only in {both[0].file.filename}"]
        elif depends_on_ranks(*both):
            print(f"/{name}: skipped: depends on the number of ranks")
            by_ranks += 1
            continue
        else:
            found = [*value_differences(f"/{name}", *both), *attribute_differences(f"/{name}", *both)]
        for line in found:
            print(line)
        equal, differ = (equal, differ + 1) if found else (equal + 1, differ)
    return equal, differ, skipped, by_ranks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE.h5", help="the first is compared with each of the others")
    paths = parser.parse_args().files
    if len(paths) < 2:
        parser.error("two files or more are needed")
    is_equal = True
    try:
        with open_run(paths[0]) as first:
            for path in paths[1:]:
                if len(paths) > 2:
                    print(f"{paths[0]} and {path}:")
                with open_run(path) as other:
                    equal, differ, skipped, by_ranks = compare(first, other)
                more = f", {by_ranks} skipped (depends on the number of ranks)" if by_ranks else ""
                print(f"{equal} datasets equal, {differ} differ, {skipped} skipped (executed or measured){more}")
                is_equal = is_equal and differ == 0 and equal > 0  # nothing to compare is not equality
    except OSError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main())
