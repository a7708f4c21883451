/* SPDX-License-Identifier: BSD-3-Clause */
/* The glossary: words of the field, and what muir means by them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "help/help.h"
#include "text/print.h"

enum { INDENT = 18 };

#define TERM(word, also, meaning, see) {word, also, meaning, see},
static const struct term {
    const char *word, *also, *meaning, *see;
} terms[] = {
#include "help/glossary.def"
};
#undef TERM
enum { TERMS = sizeof terms / sizeof terms[0] };

static bool is_named(const struct term *term, const char *word)
{
    if (strcasecmp(term->word, word) == 0) return true;
    const size_t length = strlen(word);
    for (const char *p = term->also; *p;) {
        const size_t n = strcspn(p, "|");
        if (n == length && strncasecmp(p, word, n) == 0) return true;
        p += n + (p[n] == '|');
    }
    return false;
}

static void print_term(const struct term *term)
{
    char first[40], text[800], also[160] = "";
    size_t used = 0;
    for (const char *p = term->also; *p && used < sizeof also; p += *p != '\0')
        used += (size_t)snprintf(also + used, sizeof also - used, *p == '|' ? ", " : "%c", *p);
    snprintf(first, sizeof first, "  %s ", term->word);
    snprintf(text, sizeof text, "%s%s%s%s (%s)", also[0] ? "(" : "", also, also[0] ? ") " : "", term->meaning,
             term->see);
    muir_print_wrapped(first, INDENT, text);
}

static json_t *term_json(const struct term *term)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "word", term->word, "also", term->also, "meaning", term->meaning,
                     "see", term->see);
}

static bool answer(const char *word, json_t *json)
{
    const bool is_all = strcmp(word, "words") == 0 || strcmp(word, "glossary") == 0;
    json_t *list = json_array();
    int n = 0;
    for (int i = 0; i < TERMS; i++) {
        if (!is_all && !is_named(&terms[i], word)) continue;
        if (!json && n == 0) printf(is_all ? "words and their meaning in muir\n" : "glossary\n");
        n++;
        if (json)
            json_array_append_new(list, term_json(&terms[i]));
        else
            print_term(&terms[i]);
    }
    if (json && n > 0) json_object_set(json, "words", list);
    json_decref(list);
    return n > 0;
}

static const char *word_at(int i)
{
    return i == 0 ? "words" : i <= TERMS ? terms[i - 1].word : NULL;
}
const muir_topic muir_topic_glossary = {answer, word_at};
