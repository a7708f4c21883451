/* SPDX-License-Identifier: BSD-3-Clause */
/* Repairing a file without knowing what its run wrote: the file's own dimension scales say which datasets are
 * columns of a table, and how many of their rows are whole. */
#include "io/repair.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/telemetry_state.h"

/* What is done with a dataset that grows. */
typedef struct visit_state {
    muir_ctx *ctx;
    const char *path;
    hid_t group;
    char coordinate[MUIR_REPAIR_NAME]; /* the scale that counts rows, "" before it is found */
    hsize_t least, most;               /* rows of the shortest and of the longest dataset */
    hsize_t rows;                      /* to which all are cut */
    muir_status st;
} visit_state;

typedef muir_status (*dataset_visit)(visit_state *v, hid_t dataset, const char *name, hsize_t rows);

typedef struct each_state {
    visit_state *v;
    dataset_visit visit;
} each_state;

/* For H5Literate: hands datasets whose first dimension grows to the visit. */
static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    const each_state *e = data;
    hsize_t size[H5S_MAX_RANK] = {0}, largest[H5S_MAX_RANK] = {0};
    (void)info;
    const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    if (dataset < 0) {
        e->v->st = muir_fail_h5(e->v->ctx, e->v->path, "H5Dopen2");
        return -1;
    }
    const hid_t space = H5Dget_space(dataset);
    const int n = H5Sget_simple_extent_dims(space, size, largest);
    if (n > 0 && largest[0] == H5S_UNLIMITED) e->v->st = e->visit(e->v, dataset, name, size[0]);
    H5Sclose(space);
    H5Dclose(dataset);
    return e->v->st == MUIR_OK ? 0 : -1;
}

static muir_status each_growing(visit_state *v, dataset_visit visit)
{
    each_state e = {v, visit};
    v->st = MUIR_OK;
    if (H5Literate(v->group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, &e) < 0 && v->st == MUIR_OK)
        return muir_fail_h5(v->ctx, v->path, "H5Literate");
    return v->st;
}

static muir_status count(visit_state *v, hid_t dataset, const char *name, hsize_t rows)
{
    if (H5DSis_scale(dataset) > 0) snprintf(v->coordinate, sizeof v->coordinate, "%s", name);
    if (rows < v->least) v->least = rows;
    if (rows > v->most) v->most = rows;
    return MUIR_OK;
}

static muir_status cut(visit_state *v, hid_t dataset, const char *name, hsize_t rows)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = v->ctx;
    const char *path = v->path;
    hsize_t size[H5S_MAX_RANK] = {0};
    hid_t space = H5I_INVALID_HID;
    (void)name;
    if (rows == v->rows) return MUIR_OK;
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    MUIR_TRY_H5(H5Sget_simple_extent_dims(space, size, NULL));
    size[0] = v->rows;
    MUIR_TRY_H5(H5Dset_extent(dataset, size));
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

/* Rows whose coordinate grows, of the first n. */
static muir_status count_growing(visit_state *v, hsize_t *n)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = v->ctx;
    const char *path = v->path;
    int64_t before = 0, last = 0;
    hid_t dataset = H5I_INVALID_HID;
    MUIR_TRY_H5(dataset = H5Dopen2(v->group, v->coordinate, H5P_DEFAULT));
    for (; *n > 1; --*n) {
        MUIR_TRY(muir_rows_read(ctx, path, dataset, MUIR_I64, (size_t)*n - 2, 1, &before));
        MUIR_TRY(muir_rows_read(ctx, path, dataset, MUIR_I64, (size_t)*n - 1, 1, &last));
        if (before < last) break;
    }
done:
    if (dataset >= 0) H5Dclose(dataset);
    return st;
}

/* One group, which has a table at most. */
static muir_status repair_table(muir_ctx *ctx, const char *path, hid_t file, const char *name,
                                muir_repair *repair)
{
    muir_status st = MUIR_OK;
    visit_state v = {.ctx = ctx, .path = path, .least = HSIZE_UNDEF};
    MUIR_TRY_H5(v.group = H5Gopen2(file, name, H5P_DEFAULT));
    MUIR_TRY(each_growing(&v, count));
    if (!v.coordinate[0]) goto done;
    v.rows = v.least;
    MUIR_TRY(count_growing(&v, &v.rows));
    MUIR_TRY(each_growing(&v, cut));
    if (repair->n_tables < MUIR_REPAIR_TABLES) {
        snprintf(repair->tables[repair->n_tables].group, MUIR_REPAIR_NAME, "%s", name);
        snprintf(repair->tables[repair->n_tables].row, MUIR_REPAIR_NAME, "%s", v.coordinate);
        repair->tables[repair->n_tables].rows = (int64_t)v.rows;
        repair->tables[repair->n_tables++].cut = (int64_t)(v.most - v.rows);
    }
done:
    if (v.group >= 0) H5Gclose(v.group);
    return st;
}

static muir_status repair_tables(muir_ctx *ctx, const char *path, hid_t file, muir_repair *repair)
{
    muir_status st = MUIR_OK;
    H5G_info_t info;
    char name[MUIR_REPAIR_NAME];
    MUIR_TRY_H5(H5Gget_info(file, &info));
    for (hsize_t i = 0; i < info.nlinks; i++) {
        MUIR_TRY_H5(H5Lget_name_by_idx(file, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name,
                                       H5P_DEFAULT));
        MUIR_TRY(repair_table(ctx, path, file, name, repair));
    }
done:
    return st;
}

/* A plain open fails where the writer was killed; only then is the file opened to write. */
static muir_status open_file(muir_ctx *ctx, const char *path, bool *was_open, hid_t *file)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    *file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    *was_open = *file < 0;
    H5Eclear2(H5E_DEFAULT);
    if (*was_open) MUIR_TRY(muir_rows_open_file(ctx, path, file));
done:
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

static muir_status make_whole(muir_ctx *ctx, const char *path, muir_repair *repair)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    MUIR_TRY(open_file(ctx, path, &repair->was_open, &file));
    MUIR_TRY(repair_tables(ctx, path, file, repair));
    if (repair->was_open) MUIR_TRY_H5(H5Fflush(file, H5F_SCOPE_LOCAL));
done:
    if (st != MUIR_OK && file >= 0) close(muir_h5_detach(file)); /* so that it stays as it was */
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "H5Fclose");
    return st;
}

static int64_t bytes_of(int file)
{
    struct stat info;
    return fstat(file, &info) == 0 ? info.st_size : 0;
}

muir_status muir_repair_file(muir_ctx *ctx, const char *path, muir_repair *repair)
{
    muir_status st = MUIR_OK;
    int lock = -1;
    bool is_telemetry = false;
    muir_repair found = {.n_tables = 0};
    MUIR_TRY(muir_file_lock(ctx, path, &lock));
    MUIR_TRY(muir_stored_is_telemetry(ctx, path, &is_telemetry));
    if (!is_telemetry)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "%s is not a telemetry file written by muir, or is damaged", path));
    found.bytes_before = bytes_of(lock);
    MUIR_TRY(make_whole(ctx, path, &found));
    MUIR_TRY(muir_pack(ctx, path, true, &lock));
    found.bytes = bytes_of(lock);
    *repair = found;
done:
    if (lock >= 0) close(lock);
    return st;
}
