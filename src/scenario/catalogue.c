/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding and listing the files of the data folder. */
#include "scenario/catalogue.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <unistd.h>

#include "base/text.h"
#include "scenario/inputs.h"

static const char *const ending =
    ".yaml"; /* of the data folder's files; a path may also end in one of these */
static const char *const endings[] = {".yaml", ".yml", ".json"};

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

size_t muir_catalogue_ending(const char *name)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_in(name, endings[i])) return strlen(endings[i]);
    return 0;
}

/* Path of the running program; in an empty root without /proc, what it was called by. */
static bool program_path(char path[PATH_MAX])
{
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n > 0) {
        path[n] = '\0';
        return true;
    }
    const unsigned long called = getauxval(AT_EXECFN);
    return called != 0 && realpath((const char *)called, path) != NULL;
}

/* share/muir/data below one of the folders above a file: `up` of them, and its own is the first. */
static bool is_installed_with(const char *file, int up, char *path, size_t size)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", file);
    for (; up > 0; up--) {
        char *slash = strrchr(folder, '/');
        if (!slash) return false;
        *slash = '\0';
    }
    return snprintf(path, size, "%s/share/muir/data", folder) < (int)size && access(path, R_OK) == 0;
}

/* PREFIX/share/muir/data, where the running program is in PREFIX/bin, or the library that this code is part
 * of in PREFIX/lib or PREFIX/lib/TRIPLET: a package is installed where nobody knew when it was built. */
static bool installed_root(char *path, size_t size)
{
    char file[PATH_MAX];
    Dl_info library;
    if (program_path(file) && is_installed_with(file, 2, path, size)) return true;
    const bool is_known = dladdr(&endings, &library) != 0 && realpath(library.dli_fname, file);
    return is_known && (is_installed_with(file, 2, path, size) || is_installed_with(file, 3, path, size));
}

muir_status muir_catalogue_root(muir_ctx *ctx, char *path, size_t size)
{
    const char *given = getenv("MUIR_DATA");
    if (given) {
        snprintf(path, size, "%s", given);
        if (access(path, R_OK) == 0) return MUIR_OK;
        return muir_fail(ctx, MUIR_ERR_ARG, "MUIR_DATA=%s: no such folder", given);
    }
    if (installed_root(path, size)) return MUIR_OK;
    static const char *const built_in[] = {MUIR_DATA_SOURCE, MUIR_DATA_INSTALLED}; /* for other programs */
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        snprintf(path, size, "%s", built_in[i]);
        if (access(path, R_OK) == 0) return MUIR_OK;
    }
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "the data folder is missing: set MUIR_DATA to the folder that holds fleets/ and models/");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static muir_status add_name(muir_ctx *ctx, const char *file, char ***names, int *n)
{
    char **larger = realloc(*names, ((size_t)*n + 1) * sizeof **names);
    if (!larger) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the catalogue");
    *names = larger;
    larger[*n] = strndup(file, strlen(file) - strlen(ending));
    if (!larger[*n]) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the catalogue");
    (*n)++;
    return MUIR_OK;
}

muir_status muir_catalogue_names(muir_ctx *ctx, const char *folder, char ***names, int *n)
{
    muir_status st = MUIR_OK;
    char root[1024], path[1200];
    char **found = NULL;
    int n_found = 0;
    DIR *dir = NULL;
    MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
    snprintf(path, sizeof path, "%s/%s", root, folder);
    dir = opendir(path);
    if (!dir) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: no such folder", path));
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (ends_in(entry->d_name, ending)) MUIR_TRY(add_name(ctx, entry->d_name, &found, &n_found));
    if (n_found > 0) qsort(found, (size_t)n_found, sizeof *found, by_name);
    *names = found;
    *n = n_found;
    found = NULL;
done:
    if (dir) closedir(dir);
    muir_catalogue_free(&found, n_found);
    return st;
}

void muir_catalogue_free(char ***names, int n)
{
    if (!*names) return;
    for (int i = 0; i < n; i++) free((*names)[i]);
    free(*names);
    *names = NULL;
}

/* Names as "a, b, c", as far as whole names fit into text. */
static void join_names(char **names, int n, char *text, size_t size)
{
    static const char more[] = " and more, see `muir list`";
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (used + strlen(names[i]) + strlen(", ") + sizeof more > size) {
            snprintf(text + used, size - used, "%s", more);
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", names[i]);
    }
}

/* The kind of file that has such a name in its own folder, or NULL. */
static const muir_schema *kind_of(muir_ctx *ctx, const char *name)
{
    for (int i = 0; i < muir_input_count(); i++) {
        const muir_schema *kind = muir_input_at(i)->schema;
        if (muir_catalogue_has(ctx, kind->folder, name)) return kind;
    }
    return NULL;
}

/* A name of another kind: how to say that. */
static muir_status fail_other_kind(muir_ctx *ctx, const muir_schema *kind, const char *name,
                                   const char *where)
{
    char try_this[2 * MUIR_NAME_SIZE] = "";
    muir_input_key key;
    const char *keys[] = {kind->kind, "fleet.chip"}; /* a chip is named by its fleet */
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !try_this[0]; i++)
        if ((i == 0 || kind == &muir_chip_schema) && muir_input_find(keys[i], &key))
            snprintf(try_this, sizeof try_this, "; try %s=%.64s", keys[i], name);
    const char *article = strcmp(kind->kind, "faults") == 0 ? "fault preset" : kind->kind;
    return muir_fail(ctx, MUIR_ERR_ARG, "%s '%s' is unknown; it is a %s%s", where, name, article, try_this);
}

static muir_status fail_unknown(muir_ctx *ctx, const char *folder, const char *name, const char *where)
{
    char **names = NULL, known[600];
    int n = 0;
    const muir_schema *kind = kind_of(ctx, name);
    if (kind) return fail_other_kind(ctx, kind, name, where);
    muir_status st = muir_catalogue_names(ctx, folder, &names, &n);
    if (st != MUIR_OK) return st;
    join_names(names, n, known, sizeof known);
    const char *meant = muir_closest(name, (const char *const *)names, n);
    if (meant)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s '%s' is unknown, did you mean '%s'? (muir list %s)", where,
                       muir_quote(name).s, meant, folder);
    else
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s '%s' is unknown; known: %s", where, muir_quote(name).s, known);
    muir_catalogue_free(&names, n);
    return st;
}

bool muir_catalogue_has(muir_ctx *ctx, const char *folder, const char *name)
{
    char root[1024], path[1400];
    if (muir_catalogue_root(ctx, root, sizeof root) != MUIR_OK || !name[0] || strchr(name, '/')) return false;
    return snprintf(path, sizeof path, "%s/%s/%s%s", root, folder, name, ending) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

static bool is_file_here(const char *name)
{
    struct stat facts;
    return stat(name, &facts) == 0 && S_ISREG(facts.st_mode);
}

muir_status muir_catalogue_find(muir_ctx *ctx, const char *folder, const char *name, const char *where,
                                char *path, size_t size)
{
    char root[1024];
    const bool is_path = strchr(name, '/') || muir_catalogue_ending(name) > 0;
    if (is_path || (!muir_catalogue_has(ctx, folder, name) && is_file_here(name))) {
        const bool is_whole = snprintf(path, size, "%s", name) < (int)size;
        if (is_whole && access(path, R_OK) == 0) return MUIR_OK;
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: the file %s cannot be read: %s", where, muir_quote(name).s,
                         is_whole ? strerror(errno) : "its path is too long");
    }
    const muir_status st = muir_catalogue_root(ctx, root, sizeof root);
    if (st != MUIR_OK) return st;
    if (!muir_catalogue_has(ctx, folder, name)) return fail_unknown(ctx, folder, name, where);
    snprintf(path, size, "%s/%s/%s%s", root, folder, name, ending);
    return MUIR_OK;
}
