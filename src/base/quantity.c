/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of numbers with prefixes and units. */
#include "base/quantity.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = 0, LARGE = 1, BINARY = 2, SMALL = 4, KILO = 8 }; /* sets of prefixes */
enum { MOST_DIGITS = 40, NUMBER_SIZE = 2 * MOST_DIGITS + 16 };

typedef enum kind {
    TIME,
    BYTE,
    BYTE_RATE,
    FLOP_RATE,
    OP_RATE,
    FREQUENCY,
    POWER,
    ENERGY,
    CELSIUS,
    KELVIN,
    TOKENS,
    SHARE,
    WHOLE,
    COUNT, /* of what the unit's own name says */
} kind;

static const struct unit {
    const char *name;
    kind kind;
    double size;
    int bare;
    const char *suffixes;
} units[] = {
#define UNIT(unit, kind, size, bare, suffixes) {unit, kind, size, bare, suffixes},
#define SUFFIX(kind, text, size, prefixes)
#include "base/quantity.def"
#undef UNIT
#undef SUFFIX
};

static const struct suffix {
    kind kind;
    const char *text;
    double size;
    int prefixes;
} suffixes[] = {
#define UNIT(unit, kind, size, bare, suffixes)
#define SUFFIX(kind, text, size, prefixes) {kind, text, size, prefixes},
#include "base/quantity.def"
#undef UNIT
#undef SUFFIX
};

static const struct prefix {
    const char *text;
    int set;
    double size;
} prefixes[] = {
    {"k", LARGE, 1e3},
    {"K", LARGE, 1e3},
    {"M", LARGE, 1e6},
    {"G", LARGE, 1e9},
    {"T", LARGE, 1e12},
    {"P", LARGE, 1e15},
    {"E", LARGE, 1e18},
    {"Ki", BINARY, 1024.0},
    {"Mi", BINARY, 1048576.0},
    {"Gi", BINARY, 1073741824.0},
    {"Ti", BINARY, 1099511627776.0},
    {"Pi", BINARY, 1125899906842624.0},
    {"Ei", BINARY, 1152921504606846976.0},
    {"m", SMALL, 1e-3},
    {"u", SMALL, 1e-6},
    {"\xc2\xb5", SMALL, 1e-6}, /* U+00B5, micro */
    {"n", SMALL, 1e-9},
    {"k", KILO, 1024.0},
    {"K", KILO, 1024.0},
    {"Ki", KILO, 1024.0},
    {"M", KILO, 1048576.0},
    {"Mi", KILO, 1048576.0},
};

static struct unit unit_of(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, name) == 0) return units[i];
    return (struct unit){name, COUNT, 1.0, LARGE | BINARY, "k, M, G, T of 1000, Ki, Mi, Gi of 1024"};
}

const char *muir_quantity_suffixes(const char *unit)
{
    return unit_of(unit).suffixes;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies digits, and drops commas that stand before every three of them; the number of digits, 0 where a
 * comma stands elsewhere. */
static size_t read_digits(const char **text, char *out, size_t room, bool has_groups)
{
    const char *p = *text;
    size_t n = 0, group = 0;
    bool is_grouped = false;
    for (;; p++) {
        if (has_groups && *p == ',' && is_digit(p[1])) {
            if (n == 0 || (is_grouped ? group != 3 : n > 3)) return 0;
            is_grouped = true;
            group = 0;
        } else if (is_digit(*p)) {
            if (n == room) return 0;
            out[n++] = *p;
            group++;
        } else {
            break;
        }
    }
    if (is_grouped && group != 3) return 0;
    *text = p;
    return n;
}

/* The decimal number at the beginning of *text, which is moved behind it: no hexadecimal, no inf, no nan. */
static bool read_number(const char **text, double *value)
{
    char number[NUMBER_SIZE];
    size_t n = 0;
    const char *p = *text;
    if (*p == '-' || *p == '+') number[n++] = *p++;
    const size_t whole = read_digits(&p, number + n, MOST_DIGITS, true);
    n += whole;
    size_t fraction = 0;
    if (*p == '.') {
        number[n++] = *p++;
        fraction = read_digits(&p, number + n, MOST_DIGITS, false);
        n += fraction;
    }
    if (whole + fraction == 0) return false;
    if ((*p == 'e' || *p == 'E') && (is_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && is_digit(p[2])))) {
        number[n++] = *p++;
        if (!is_digit(*p)) number[n++] = *p++;
        const size_t exponent = read_digits(&p, number + n, 4, false);
        if (exponent == 0) return false;
        n += exponent;
    }
    number[n] = '\0';
    *value = strtod(number, NULL);
    *text = p;
    return isfinite(*value);
}

/* Size of a prefix of one of the sets; 1 for an empty text, 0 for an unknown one. */
static double prefix_size(const char *text, size_t length, int sets)
{
    if (length == 0) return 1.0;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if ((prefixes[i].set & sets) && strlen(prefixes[i].text) == length &&
            strncmp(prefixes[i].text, text, length) == 0)
            return prefixes[i].size;
    return 0.0;
}

/* Whether text ends in `suffix`, and the size of the prefix before it. */
static bool is_prefixed(const char *text, size_t length, const char *suffix, int sets, double *size)
{
    const size_t n = strlen(suffix);
    if (n > length || strncmp(text + length - n, suffix, n) != 0) return false;
    size_t before = length - n;
    while (before > 0 && text[before - 1] == ' ') before--; /* 8k tokens */
    *size = prefix_size(text, before, sets);
    return *size > 0.0;
}

/* The factor that what follows a number stands for, in the unit; 0 where it is no way to write it. */
static double suffix_factor(const struct unit *unit, const char *text, size_t length)
{
    double size = 0.0;
    if (length == 0) return 1.0;
    if (strlen(unit->name) == length && strncmp(unit->name, text, length) == 0) return 1.0;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (suffixes[i].kind == unit->kind &&
            is_prefixed(text, length, suffixes[i].text, suffixes[i].prefixes, &size))
            return size * suffixes[i].size / unit->size;
    if (unit->kind == COUNT) {
        char one[NUMBER_SIZE]; /* "1 chip" where the unit is chips */
        const size_t n = strlen(unit->name);
        snprintf(one, sizeof one, "%.*s", (int)(n > 0 && unit->name[n - 1] == 's' ? n - 1 : n), unit->name);
        if (is_prefixed(text, length, unit->name, LARGE, &size) ||
            is_prefixed(text, length, one, LARGE, &size))
            return size;
    }
    return prefix_size(text, length, unit->bare);
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Small factors divide by their inverse, which is whole: 35 % is the double next to 0.35, as 0.35 is. */
static double scaled(double number, double factor)
{
    const double inverse = round(1.0 / factor);
    return factor < 1.0 && fabs(inverse * factor - 1.0) < 1e-12 ? number / inverse : number * factor;
}

/* Several parts of a time, largest first: 2 h 05 min. */
static bool read_parts(const char *text, const struct unit *unit, double *value)
{
    double sum = 0.0, last = INFINITY;
    for (const char *p = text; *p;) {
        double number = 0.0;
        if (*p == '-' || *p == '+' || !read_number(&p, &number)) return false;
        p = skip_blanks(p);
        const size_t length = strcspn(p, " \t0123456789");
        const double factor = length > 0 ? suffix_factor(unit, p, length) : 0.0;
        if (factor <= 0.0 || factor >= last) return false;
        sum += scaled(number, factor);
        last = factor;
        p = skip_blanks(p + length);
    }
    *value = sum;
    return isfinite(sum);
}

bool muir_quantity_read(const char *text, const char *unit_name, double *value)
{
    const struct unit unit = unit_of(unit_name);
    double number = 0.0;
    const char *start = skip_blanks(text), *p = start;
    if (!read_number(&p, &number)) return false;
    p = skip_blanks(p);
    size_t length = strlen(p);
    while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t')) length--;
    const double factor = suffix_factor(&unit, p, length);
    if (factor <= 0.0) return unit.kind == TIME && read_parts(start, &unit, value);
    number = scaled(number, factor);
    if (isfinite(number)) *value = number;
    return isfinite(number);
}
