/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of importers, the report's lines, and the file that they make. */
#include "import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define IMPORTER(id) extern const muir_importer muir_importer_##id;
#include "import/importers.def"
#undef IMPORTER
static const muir_importer *const importers[] = {
#define IMPORTER(id) &muir_importer_##id,
#include "import/importers.def"
#undef IMPORTER
};
enum { IMPORTERS = sizeof importers / sizeof importers[0], FIRST_NOTES = 64, COMMENT_COLUMN = 36 };

int muir_importer_count(void)
{
    return IMPORTERS;
}

const muir_importer *muir_importer_at(int i)
{
    return importers[i];
}

const muir_importer *muir_importer_find(const char *name)
{
    for (int i = 0; i < IMPORTERS; i++)
        if (strcmp(importers[i]->name, name) == 0) return importers[i];
    return NULL;
}

const char *muir_note_kind_text(muir_note_kind kind)
{
#define TEXT(id, text) text,
    static const char *const texts[] = {MUIR_NOTE_LIST(TEXT)};
#undef TEXT
    return texts[kind];
}

static muir_status grow(muir_ctx *ctx, muir_import *found)
{
    if (found->n < found->room) return MUIR_OK;
    const int room = found->room ? 2 * found->room : FIRST_NOTES;
    muir_note *notes = realloc(found->notes, (size_t)room * sizeof *notes);
    if (!notes) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the report of an import");
    found->notes = notes;
    found->room = room;
    return MUIR_OK;
}

muir_status muir_import_note(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                             const char *value, const char *why, ...)
{
    const muir_status st = grow(ctx, found);
    if (st != MUIR_OK) return st;
    muir_note *note = &found->notes[found->n];
    *note = (muir_note){.kind = kind};
    if (snprintf(note->key, sizeof note->key, "%s", key) >= (int)sizeof note->key ||
        snprintf(note->value, sizeof note->value, "%s", value) >= (int)sizeof note->value)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s=%s is too long", key, muir_quote(value).s);
    va_list list;
    va_start(list, why);
    vsnprintf(note->why, sizeof note->why, why, list); /* cut: it is for readers only */
    va_end(list);
    for (char *c = note->why; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = ' ';
    found->n++;
    return MUIR_OK;
}

muir_status muir_import_note_int(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                                 long long value, const char *why)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", value);
    return muir_import_note(ctx, found, kind, key, text, "%s", why);
}

muir_status muir_import_note_real(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                                  double value, const char *why)
{
    char text[32];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return muir_import_note(ctx, found, kind, key, text, "%s", why);
}

const char *muir_import_value(const muir_import *found, const char *key)
{
    for (int i = found->n - 1; i >= 0; i--)
        if (strcmp(found->notes[i].key, key) == 0) return found->notes[i].value;
    return NULL;
}

bool muir_import_is_variable(const char *given)
{
    const size_t n = strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && given[n] == '=';
}

const char *muir_import_given(const muir_import_source *source, const char *key)
{
    const size_t n = strlen(key);
    for (int i = source->n_given - 1; i >= 0; i--)
        if (strncmp(source->given[i], key, n) == 0 && source->given[i][n] == '=')
            return source->given[i] + n + 1;
    return NULL;
}

void muir_import_free(muir_import *found)
{
    free(found->notes);
    free(found->text);
    *found = (muir_import){.notes = NULL};
}

/* YAML. */

/* Whether a value needs quotes to stay one text. */
static bool is_bare(const char *value)
{
    return value[0] != '\0' && strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                             "._-+/") == strlen(value);
}

static void put_value(FILE *out, const char *value)
{
    if (is_bare(value)) {
        fputs(value, out);
        return;
    }
    fputc('"', out);
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\') fputc('\\', out);
        fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
    }
    fputc('"', out);
}

static void put_line(FILE *out, const muir_note *note, const char *name, int indent)
{
    const int width = indent + (int)(strlen(name) + strlen(note->value)) + 2;
    fprintf(out, "%*s%s: ", indent, "", name);
    put_value(out, note->value);
    if (note->why[0])
        fprintf(out, "%*s# %s: %s", width < COMMENT_COLUMN ? COMMENT_COLUMN - width : 1, "",
                muir_note_kind_text(note->kind), note->why);
    fputc('\n', out);
}

/* Whether the note is of the file, and not said again further down. */
static bool is_written(const muir_import *found, int i, const char *prefix, const char *but)
{
    const muir_note *note = &found->notes[i];
    if (note->key[0] == '\0' || strncmp(note->key, prefix, strlen(prefix)) != 0) return false;
    if (but && strncmp(note->key, but, strlen(but)) == 0) return false;
    for (int k = i + 1; k < found->n; k++)
        if (strcmp(found->notes[k].key, note->key) == 0) return false;
    return true;
}

/* Lines of a section, in which the first note that is not done lies, so that a mapping is opened once. */
static void put_section(FILE *out, const muir_import *found, int first, const char *prefix, const char *but,
                        const char *section, size_t length)
{
    fprintf(out, "%.*s:\n", (int)length, section);
    for (int i = first; i < found->n; i++) {
        const char *name = found->notes[i].key + strlen(prefix);
        if (is_written(found, i, prefix, but) && strncmp(name, section, length) == 0 && name[length] == '.')
            put_line(out, &found->notes[i], name + length + 1, 2);
    }
}

static bool is_section_open(const muir_import *found, int i, const char *prefix, const char *but,
                            size_t length)
{
    const char *name = found->notes[i].key + strlen(prefix);
    for (int k = 0; k < i; k++) {
        const char *other = found->notes[k].key + strlen(prefix);
        if (is_written(found, k, prefix, but) && strncmp(other, name, length) == 0 && other[length] == '.')
            return true;
    }
    return false;
}

muir_status muir_import_yaml(muir_ctx *ctx, const muir_import *found, const char *prefix, const char *but,
                             char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for an imported file");
    for (int i = 0; i < found->n; i++) {
        if (!is_written(found, i, prefix, but)) continue;
        const char *name = found->notes[i].key + strlen(prefix), *dot = strchr(name, '.');
        if (!dot)
            put_line(out, &found->notes[i], name, 0);
        else if (!is_section_open(found, i, prefix, but, (size_t)(dot - name)))
            put_section(out, found, i, prefix, but, name, (size_t)(dot - name));
    }
    if (fclose(out) != 0) {
        free(buffer);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for an imported file");
    }
    *text = buffer;
    return MUIR_OK;
}
