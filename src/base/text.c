/* SPDX-License-Identifier: BSD-3-Clause */
/* Small text files, and the word the user probably meant. */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

enum { LARGEST = 16 << 20, LONGEST_WORD = 64, LONGEST_QUOTE = 60 };

muir_status muir_text_read(muir_ctx *ctx, const char *path, char **text, size_t *length)
{
    muir_status st = MUIR_OK;
    char *buffer = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", path, strerror(errno));
    size_t used = 0, room = 1 << 16;
    buffer = malloc(room + 1);
    while (buffer) {
        used += fread(buffer + used, 1, room - used, file);
        if (used < room || used >= LARGEST) break;
        room *= 4;
        char *larger = realloc(buffer, room + 1);
        if (!larger) free(buffer);
        buffer = larger;
    }
    if (!buffer)
        st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for %s", path);
    else if (ferror(file))
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", path, strerror(errno));
    else if (used >= LARGEST)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s: larger than 16 MiB", path);
    fclose(file);
    if (st != MUIR_OK) {
        free(buffer);
        return st;
    }
    buffer[used] = '\0';
    *text = buffer;
    *length = used;
    return MUIR_OK;
}

muir_quoted muir_quote(const char *text)
{
    muir_quoted quoted;
    const size_t length = strlen(text);
    size_t n = length;
    if (length > LONGEST_QUOTE) {
        n = LONGEST_QUOTE;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--; /* not inside a UTF-8 character */
    }
    for (size_t i = 0; i < n; i++)
        quoted.s[i] = (unsigned char)text[i] < 32 || text[i] == 127 ? '?' : text[i];
    quoted.s[n] = '\0';
    if (n < length)
        snprintf(quoted.s + n, sizeof quoted.s - n, "... (%s characters)",
                 muir_count_text((long long)length).s);
    return quoted;
}

/* Levenshtein distance, words cut to LONGEST_WORD. */
static int distance(const char *a, const char *b)
{
    const int n = (int)strnlen(a, LONGEST_WORD), m = (int)strnlen(b, LONGEST_WORD);
    int row[LONGEST_WORD + 1];
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int change = diagonal + (a[i - 1] != b[j - 1]);
            const int shift = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[m];
}

const char *muir_closest(const char *name, const char *const *names, int n)
{
    const char *best = NULL;
    int least = (int)strlen(name) / 3 + 2; /* about a third of the letters may be wrong */
    for (int i = 0; i < n; i++) {
        const int d = distance(name, names[i]);
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}
