/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of kinds of files, and what people may have meant by a key that no file has. */
#include "scenario/inputs.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { MOST_TAILS = 3 };

#define FREE(pattern, reason)
#define INPUT(schema, prefix, place) {&schema, prefix, place},
static const muir_input inputs[] = {
#include "scenario/inputs.def"
};
#undef INPUT
#undef FREE

#define INPUT(schema, prefix, place)
#define FREE(pattern, reason) {pattern, reason},
static const struct {
    const char *pattern, *reason;
} freedoms[] = {
#include "scenario/inputs.def"
};
#undef INPUT
#undef FREE

#define SYNONYM(word, key) {word, key},
static const struct {
    const char *word, *key;
} synonyms[] = {
#include "scenario/synonyms.def"
};
#undef SYNONYM

enum { N_FREEDOMS = sizeof freedoms / sizeof freedoms[0], N_SYNONYMS = sizeof synonyms / sizeof synonyms[0] };

int muir_input_count(void)
{
    return (int)(sizeof inputs / sizeof inputs[0]);
}

const muir_input *muir_input_at(int i)
{
    return &inputs[i];
}

void muir_input_kinds_text(char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < muir_input_count(); i++) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? ", " : "", muir_input_at(i)->schema->kind);
    }
}

const void *muir_input_file(const muir_input *input, const muir_scenario *scenario)
{
    return (const char *)scenario + input->offset;
}

bool muir_input_next(muir_input_key *key)
{
    int *at = key->at;
    while (at[0] < muir_input_count()) {
        const muir_input *input = &inputs[at[0]];
        if (at[1] == input->schema->n_sections) {
            at[0]++;
            at[1] = 0;
            continue;
        }
        const muir_section *section = &input->schema->sections[at[1]];
        if (at[2] == section->n_options) {
            at[1]++;
            at[2] = 0;
            continue;
        }
        key->input = input;
        key->section = section;
        key->option = &section->options[at[2]++];
        char path[2 * MUIR_NAME_SIZE];
        muir_option_path(section, key->option, path, sizeof path);
        snprintf(key->name, sizeof key->name, "%s%s", input->prefix, path);
        return true;
    }
    return false;
}

bool muir_input_find(const char *name, muir_input_key *key)
{
    muir_input_key each = {.input = NULL};
    while (muir_input_next(&each))
        if (strcmp(each.name, name) == 0) {
            *key = each;
            return true;
        }
    return false;
}

const muir_input *muir_input_owner(const char *item, const char **rest)
{
    const muir_input *owner = &inputs[0];
    for (int i = 0; i < muir_input_count(); i++)
        if (strncmp(item, inputs[i].prefix, strlen(inputs[i].prefix)) == 0) owner = &inputs[i];
    *rest = item + strlen(owner->prefix);
    return owner;
}

const char *muir_input_freedom(const char *name)
{
    for (int i = 0; i < N_FREEDOMS; i++)
        if (fnmatch(freedoms[i].pattern, name, 0) == 0) return freedoms[i].reason;
    return NULL;
}

const char *muir_input_free_pattern(int i)
{
    return i < N_FREEDOMS ? freedoms[i].pattern : NULL;
}

static bool is_tail(const char *name, const char *tail)
{
    const size_t n = strlen(name), m = strlen(tail);
    return m < n && name[n - m - 1] == '.' && strcmp(name + n - m, tail) == 0;
}

/* Names of keys, one after the other: of one kind as its files write them, or of all. */
typedef struct names {
    const muir_schema *kind; /* NULL: all kinds */
    int section, option;     /* of the kind */
    muir_input_key key;      /* of all kinds */
    char path[2 * MUIR_NAME_SIZE];
} names;

static const char *next_name(names *n)
{
    if (!n->kind) return muir_input_next(&n->key) ? n->key.name : NULL;
    while (n->section < n->kind->n_sections && n->option == n->kind->sections[n->section].n_options) {
        n->section++;
        n->option = 0;
    }
    if (n->section == n->kind->n_sections) return NULL;
    const muir_section *section = &n->kind->sections[n->section];
    muir_option_path(section, &section->options[n->option++], n->path, sizeof n->path);
    return n->path;
}

/* All keys that end in the word, as far as there are few of them. */
static void suggest_tails(const muir_schema *kind, const char *word, char *text, size_t size)
{
    names each = {.kind = kind};
    size_t used = 0;
    int n = 0;
    text[0] = '\0';
    for (const char *name = next_name(&each); name; name = next_name(&each)) {
        if (!is_tail(name, word)) continue;
        if (n++ == MOST_TAILS || used >= size) {
            text[0] = '\0';
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", n > 1 ? "' or '" : "", name);
    }
}

static void suggest_synonym(const muir_schema *kind, const char *word, char *text, size_t size)
{
    for (int i = 0; i < N_SYNONYMS; i++)
        if (strcmp(synonyms[i].word, word) == 0 && (!kind || kind == inputs[0].schema)) {
            snprintf(text, size, "%s", synonyms[i].key);
            return;
        }
}

static void suggest_nearest(const muir_schema *kind, const char *word, char *text, size_t size)
{
    char best[MUIR_KEY_SIZE] = "";
    names each = {.kind = kind};
    for (const char *name = next_name(&each); name; name = next_name(&each)) {
        const char *const both[] = {best, name};
        const char *nearest = muir_closest(word, best[0] ? both : both + 1, best[0] ? 2 : 1);
        if (nearest == name) snprintf(best, sizeof best, "%s", name);
    }
    snprintf(text, size, "%s", best);
}

void muir_input_suggest(const muir_schema *kind, const char *name, char *text, size_t size)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    suggest_tails(kind, name, text, size);
    if (!text[0]) suggest_synonym(kind, last, text, size);
    if (!text[0]) suggest_nearest(kind, name, text, size);
    if (!text[0] && dot) suggest_tails(kind, last, text, size);
}
