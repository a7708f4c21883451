/* SPDX-License-Identifier: BSD-3-Clause */
/* Launch lines and recipes -> a scenario: what the table says word by word. */
#include "import/launch.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MEGATRON MUIR_LAUNCH_MEGATRON
#define RECIPE MUIR_LAUNCH_RECIPE
#define TITAN MUIR_LAUNCH_TITAN
#define MAXTEXT MUIR_LAUNCH_MAXTEXT
#define SPEED MUIR_LAUNCH_SPEED
#define ALL MUIR_LAUNCH_ALL
#define LAUNCH(styles, word, key, values, absent) {styles, word, key, values, absent},
#define IGNORED(styles, pattern)
static const muir_launch_row rows[] = {
#include "import/launch.def"
};
#undef LAUNCH
#undef IGNORED
#define LAUNCH(styles, word, key, values, absent)
#define IGNORED(styles, pattern) {styles, pattern},
static const struct {
    int styles;
    const char *pattern;
} ignored[] = {
#include "import/launch.def"
};
enum { ROWS = sizeof rows / sizeof rows[0], MOST_IGNORED = sizeof ignored / sizeof ignored[0] };

int muir_launch_row_count(void)
{
    return ROWS;
}

const muir_launch_row *muir_launch_row_at(int i)
{
    return &rows[i];
}

static bool fits(const char *pattern, const char *name)
{
    if (*pattern == '\0') return *name == '\0';
    if (*pattern == '*') return fits(pattern + 1, name) || (*name && fits(pattern, name + 1));
    return *name == *pattern && fits(pattern + 1, name + 1);
}

bool muir_launch_is_ignored(int style, const char *name)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    for (int i = 0; i < MOST_IGNORED; i++)
        if ((ignored[i].styles & style) && (fits(ignored[i].pattern, name) || fits(ignored[i].pattern, last)))
            return true;
    return false;
}

/* Ours for theirs by "theirs=ours|...", or NULL: not one of them.
 * ours  out  [size] */
static const char *translate(const char *values, const char *theirs, char *ours, size_t size)
{
    if (values[0] == '\0') return theirs;
    const bool is_flag = values[0] == '=';
    if (is_flag && (strcmp(theirs, "false") == 0 || strcmp(theirs, "False") == 0)) return "";
    for (const char *at = values; at && *at; at = strchr(at, '|')) {
        if (*at == '|') at++;
        const char *equals = strchr(at, '=');
        const size_t n = (size_t)(equals - at), length = strcspn(equals + 1, "|");
        if (is_flag || (n == 1 && *at == '*') || (strlen(theirs) == n && strncmp(at, theirs, n) == 0)) {
            snprintf(ours, size, "%.*s", (int)length, equals + 1);
            return ours;
        }
    }
    return NULL;
}

static muir_status note_absent(muir_ctx *ctx, const muir_launch_row *row, const char *how, muir_import *found)
{
    if (row->absent[0] == '\0' || muir_import_value(found, row->key)) return MUIR_OK;
    return muir_import_note(ctx, found, MUIR_NOTE_DERIVED, row->key, row->absent, "%s is %s", row->word, how);
}

static muir_status take_row(muir_ctx *ctx, const muir_launch_row *row, muir_pairs *pairs, muir_import *found)
{
    char ours[64];
    const char *theirs = muir_pairs_get(pairs, row->word);
    if (!theirs) return note_absent(ctx, row, "not there", found);
    const char *value = translate(row->values, theirs, ours, sizeof ours);
    const bool is_plain = value == theirs || row->values[0] == '=';
    if (!value)
        return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%s %s", row->word,
                                muir_quote(theirs).s);
    if (value[0] == '\0') return note_absent(ctx, row, "false", found);
    if (strchr(value, '$') || value[0] == '<')
        return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                "%s %s: the file does not say its value", row->word, muir_quote(theirs).s);
    return muir_import_note(ctx, found, MUIR_NOTE_TAKEN, row->key, value, "%s%s%s", row->word,
                            is_plain ? "" : " ", is_plain ? "" : theirs);
}

muir_status muir_launch_translate(muir_ctx *ctx, int style, muir_pairs *pairs, muir_import *found)
{
    for (int i = 0; i < ROWS; i++) {
        if (!(rows[i].styles & style)) continue;
        const muir_status st = take_row(ctx, &rows[i], pairs, found);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static muir_status name_unknown(muir_ctx *ctx, int style, const muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    if (pairs->unset > 0)
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_UNKNOWN, "", "",
            "%d uses of variables that the file does not set: give their keys as arguments", pairs->unset));
    for (int i = 0; i < pairs->n; i++) {
        const muir_pair *pair = &pairs->at[i];
        bool is_said = pair->is_used || muir_launch_is_ignored(style, pair->name);
        for (int k = 0; k < i && !is_said; k++) is_said = strcmp(pairs->at[k].name, pair->name) == 0;
        if (!is_said)
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%s %s",
                                      muir_quote(pair->name).s, muir_quote(pair->value).s));
    }
done:
    return st;
}

static muir_status read_launch(muir_ctx *ctx, int style, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    muir_pairs pairs = {.at = NULL};
    if (source->document)
        MUIR_TRY(muir_pairs_document(ctx, source->document, &pairs));
    else
        MUIR_TRY(muir_pairs_shell(ctx, source, &pairs));
    const int before = found->n;
    MUIR_TRY(muir_launch_translate(ctx, style, &pairs, found));
    bool is_any = false;
    for (int i = before; i < found->n; i++) is_any |= found->notes[i].kind == MUIR_NOTE_TAKEN;
    MUIR_TRY(muir_launch_complete(ctx, style, source, &pairs, found));
    for (int i = before; i < found->n; i++) is_any |= found->notes[i].kind == MUIR_NOTE_TAKEN;
    if (!source->fleet)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "the hardware: fleet=NAME says it"));
    if (!is_any) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "it contains no word of a launch line"));
    MUIR_TRY(name_unknown(ctx, style, &pairs, found));
done:
    muir_pairs_free(&pairs);
    return st;
}

static muir_status read_megatron(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_launch(ctx, MUIR_LAUNCH_MEGATRON, source, found);
}

static muir_status read_recipe(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_launch(ctx, MUIR_LAUNCH_RECIPE, source, found);
}

static muir_status read_titan(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_launch(ctx, MUIR_LAUNCH_TITAN, source, found);
}

static muir_status read_maxtext(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_launch(ctx, MUIR_LAUNCH_MAXTEXT, source, found);
}

static muir_status read_speed(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_launch(ctx, MUIR_LAUNCH_SPEED, source, found);
}

const muir_importer muir_importer_megatron = {
    .name = "megatron",
    .reads = "a shell script, or a text, with arguments of Megatron-LM",
    .writes = "scenario",
    .form = MUIR_IMPORT_TEXT,
    .read = read_megatron,
};

const muir_importer muir_importer_recipe = {
    .name = "recipe",
    .reads =
        "a recipe of Megatron-Bridge or NeMo (.py, .yaml), a configuration of NeuronX Distributed (.yaml)",
    .writes = "scenario",
    .form = MUIR_IMPORT_DOCUMENT,
    .read = read_recipe,
};

const muir_importer muir_importer_torchtitan = {
    .name = "torchtitan",
    .reads = "a job configuration of torchtitan (.toml)",
    .writes = "scenario",
    .form = MUIR_IMPORT_DOCUMENT,
    .read = read_titan,
};

const muir_importer muir_importer_maxtext = {
    .name = "maxtext",
    .reads = "a configuration of MaxText (.yml)",
    .writes = "scenario",
    .form = MUIR_IMPORT_DOCUMENT,
    .read = read_maxtext,
};

const muir_importer muir_importer_deepspeed = {
    .name = "deepspeed",
    .reads = "a configuration of DeepSpeed (.json)",
    .writes = "scenario",
    .form = MUIR_IMPORT_DOCUMENT,
    .read = read_speed,
};
