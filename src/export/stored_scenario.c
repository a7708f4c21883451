/* SPDX-License-Identifier: BSD-3-Clause */
/* The scenario that a telemetry file stores, made whole again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "export/perfetto.h"
#include "scenario/scenario.h"

enum { MOST_CHANGES = 64, LEVELS = 5, KEY_SIZE = 64 };

/* The reader of scenarios takes files, so the text becomes one for a moment. */
static muir_status load_text(muir_ctx *ctx, const char *text, const char *const *overrides, int n_overrides,
                             muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const char *folder = getenv("TMPDIR");
    char path[1024];
    FILE *file = NULL;
    snprintf(path, sizeof path, "%s/muir-XXXXXX.yaml", folder && folder[0] ? folder : "/tmp");
    const int descriptor = mkstemps(path, (int)strlen(".yaml"));
    if (descriptor < 0) return muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be created: set TMPDIR", path);
    file = fdopen(descriptor, "w");
    const bool is_written = file && fputs(text, file) >= 0;
    if (file && fclose(file) != 0) st = muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", path);
    if (!file) close(descriptor);
    if (!is_written) st = muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", path);
    MUIR_TRY(st);
    MUIR_TRY(muir_scenario_load(ctx, path, overrides, n_overrides, scenario));
done:
    unlink(path);
    return st;
}

/* The first line of the text names the scenario's file, here one that was written for a moment. */
static const char *after_first_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end ? end + 1 : text;
}

/* What an argument of the command line changed in the fleet, chip, model, stack or faults: the text has these
 * as comments, so they are given again as overrides. */
typedef struct changes {
    char *text[MOST_CHANGES]; /* "fleet.variation.chip_sigma=0" */
    int n;
    char path[LEVELS][KEY_SIZE]; /* of the line that is being read: "fleet", "variation" */
} changes;

/* Depth of a commented key below its file's name, 1 or more; 0: a file's name; -1: no comment. */
static int depth_of(const char *line, size_t n)
{
    if (n < 3 || line[0] != '#' || line[1] != ' ') return -1;
    if (!memchr(line, ':', n)) return 0;
    return 1 + (int)strspn(line + 2, " ") / 2;
}

/* A value without the quotes of YAML. */
static void unquote(const char *value, size_t n, char *out, size_t size)
{
    const bool is_quoted = n >= 2 && value[0] == '\'' && value[n - 1] == '\'';
    size_t used = 0;
    for (size_t i = is_quoted; i < n - is_quoted && used + 1 < size; i++) {
        out[used++] = value[i];
        if (is_quoted && value[i] == '\'' && value[i + 1] == '\'') i++;
    }
    out[used] = '\0';
}

static void note_path(changes *c, const char *line, int depth)
{
    const char *key = line + 2 + strspn(line + 2, " ");
    if (depth < LEVELS) snprintf(c->path[depth], KEY_SIZE, "%.*s", (int)strcspn(key, ":\n"), key);
}

/* Keeps a line that differs as an override; false if it cannot be one. */
static bool note_change(changes *c, const char *stored, size_t n, int depth)
{
    char value[MUIR_TEXT_SIZE], text[MUIR_TEXT_SIZE + LEVELS * KEY_SIZE] = "";
    const char *colon = memchr(stored, ':', n);
    if (depth < 1 || depth >= LEVELS || !colon || c->n == MOST_CHANGES) return false;
    const char *at = colon + 1 + strspn(colon + 1, " ");
    if (at >= stored + n) return false;
    unquote(at, n - (size_t)(at - stored), value, sizeof value);
    size_t used = 0;
    for (int level = 0; level <= depth; level++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s", level > 0 ? "." : "", c->path[level]);
    snprintf(text + used, sizeof text - used, "=%s", value);
    c->text[c->n] = strdup(text);
    return c->text[c->n] && ++c->n;
}

/* changes  in/out  what differs in comments is kept there; NULL: nothing may differ */
static muir_status compare(muir_ctx *ctx, const char *path, const char *stored, const char *today, changes *c)
{
    for (int line = 2; *stored || *today; line++) {
        const size_t n = strcspn(stored, "\n"), m = strcspn(today, "\n");
        const int depth = depth_of(stored, n);
        if (c && depth >= 0) note_path(c, stored, depth);
        const bool is_same = n == m && memcmp(stored, today, n) == 0;
        if (!is_same && !(c && note_change(c, stored, n, depth)))
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "%s: its scenario or data has changed since: line %d of /scenario/resolved is "
                             "'%.*s', today it would be '%.*s'; only an unchanged one can be scheduled again",
                             path, line, (int)n, stored, (int)m, today);
        stored += n + (stored[n] == '\n');
        today += m + (today[m] == '\n');
    }
    return MUIR_OK;
}

muir_status muir_trace_scenario(muir_ctx *ctx, const muir_columns *columns, const char *path,
                                muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    char *stored = NULL, *today = NULL;
    changes *c = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *c, "a scenario", &c));
    MUIR_TRY(muir_columns_text(ctx, columns, "scenario/resolved", &stored));
    MUIR_TRY(load_text(ctx, stored, NULL, 0, scenario));
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &today));
    MUIR_TRY(compare(ctx, path, after_first_line(stored), after_first_line(today), c));
    if (c->n > 0) {
        free(today);
        today = NULL;
        MUIR_TRY(load_text(ctx, stored, (const char *const *)c->text, c->n, scenario));
        MUIR_TRY(muir_scenario_text(ctx, scenario, false, &today));
        MUIR_TRY(compare(ctx, path, after_first_line(stored), after_first_line(today), NULL));
    }
done:
    for (int i = 0; c && i < c->n; i++) free(c->text[i]);
    free(c);
    free(stored);
    free(today);
    return st;
}
