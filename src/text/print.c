/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of a bounded width, and JSON documents. */
#include "text/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/json.h"

/* Columns that bytes of UTF-8 fill: those that do not continue a character. */
static int columns_of(const char *text, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++) n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

void muir_print_wrapped(const char *first, int indent, const char *text)
{
    static const char blanks[] = " \n";
    int column = columns_of(first, strlen(first));
    printf("%s", first);
    if (column > indent && text[0]) {
        printf("\n");
        column = 0;
    }
    if (text[0]) printf("%*s", indent - column, "");
    column = indent;
    for (const char *word = text; *word;) {
        const size_t bytes = strcspn(word, blanks);
        const int width = columns_of(word, bytes);
        if (column > indent && column + 1 + width > MUIR_PRINT_COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        if (column > indent) column += printf(" ");
        printf("%.*s", (int)bytes, word);
        column += width;
        word += bytes;
        word += strspn(word, blanks);
    }
    printf("\n");
}

muir_status muir_print_json(muir_ctx *ctx, json_t *root, const char *path)
{
    muir_json_notes notes = {.is_out_of_memory = root == NULL};
    muir_json document = {.value = root, .notes = &notes};
    return muir_json_end(ctx, &document, path);
}

json_t *muir_option_json(const muir_section *section, const muir_option *option, const void *file)
{
    char text[MUIR_TEXT_SIZE];
    muir_option_get(section, option, file, text, sizeof text);
    switch (option->type) {
    case MUIR_OPTION_AUTO:
        if (strcmp(text, "auto") == 0) return json_string(text);
        /* fall through */
    case MUIR_OPTION_INT: return json_integer(strtoll(text, NULL, 10));
    case MUIR_OPTION_FLOAT: return json_real(strtod(text, NULL));
    case MUIR_OPTION_BOOL: return json_boolean(strcmp(text, "true") == 0);
    default: return json_string(text);
    }
}
