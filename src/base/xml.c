/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags of small XML files. */
#include "base/xml.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *text, size_t n, int *line)
{
    for (; n > 0 && *text; n--, text++) *line += *text == '\n';
    return text;
}

static const char *skip_blanks(const char *text, int *line)
{
    return skip(text, strspn(text, " \t\r\n"), line);
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (text[n] && strchr("_-:.", text[n]))) n++;
    return n;
}

/* key="value" */
static const char *read_attribute(const char *text, int *line, muir_xml_tag *tag)
{
    const size_t n = name_length(text);
    const char *key = text;
    text = skip_blanks(text + n, line);
    if (n == 0 || *text != '=') return NULL;
    text = skip_blanks(text + 1, line);
    const char quote = *text;
    if (quote != '"' && quote != '\'') return NULL;
    const char *end = strchr(text + 1, quote);
    if (!end) return NULL;
    if (tag->n < MUIR_XML_ATTRIBUTES) {
        snprintf(tag->key[tag->n], MUIR_XML_NAME, "%.*s", (int)(n < MUIR_XML_NAME ? n : MUIR_XML_NAME - 1),
                 key);
        snprintf(tag->value[tag->n], MUIR_XML_VALUE, "%.*s",
                 (int)(end - text - 1 < MUIR_XML_VALUE ? end - text - 1 : MUIR_XML_VALUE - 1), text + 1);
        tag->n++;
    }
    return skip(text, (size_t)(end + 1 - text), line);
}

const char *muir_xml_next(const char *text, int *line, muir_xml_tag *tag)
{
    for (;;) {
        text = skip(text, strcspn(text, "<"), line);
        if (!*text) return NULL;
        const char *end = strncmp(text, "<!--", 4) == 0      ? strstr(text, "-->")
                          : text[1] == '!' || text[1] == '?' ? strchr(text, '>')
                                                             : text;
        if (!end) return NULL;
        if (end == text) break;
        text = skip(text, (size_t)(end - text) + 1, line);
    }
    tag->line = *line;
    tag->n = 0;
    tag->is_alone = false;
    tag->is_end = text[1] == '/';
    text += tag->is_end ? 2 : 1;
    const size_t n = name_length(text);
    snprintf(tag->name, sizeof tag->name, "%.*s", (int)(n < MUIR_XML_NAME ? n : MUIR_XML_NAME - 1), text);
    text = skip_blanks(text + n, line);
    while (*text && *text != '>' && *text != '/') {
        text = read_attribute(text, line, tag);
        if (!text) return NULL;
        text = skip_blanks(text, line);
    }
    tag->is_alone = *text == '/';
    text += *text == '/';
    return *text == '>' ? text + 1 : NULL;
}

const char *muir_xml_get(const muir_xml_tag *tag, const char *key)
{
    for (int i = 0; i < tag->n; i++)
        if (strcmp(tag->key[i], key) == 0) return tag->value[i];
    return NULL;
}

int muir_xml_int(const muir_xml_tag *tag, const char *key, int otherwise)
{
    const char *value = muir_xml_get(tag, key);
    char *end = NULL;
    const long n = value ? strtol(value, &end, 10) : 0;
    return value && end != value && *end == '\0' && n >= INT_MIN && n <= INT_MAX ? (int)n : otherwise;
}
