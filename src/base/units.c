/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people. */
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At least three significant digits, none wasted. */
static int decimals_of(double scaled)
{
    if (scaled == 0.0) return 0;
    return scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
}

/* What has no digits. */
static muir_text32 odd_text(double value)
{
    muir_text32 t;
    snprintf(t.s, sizeof t.s, "%s", isnan(value) ? "unknown" : value < 0.0 ? "-infinite" : "infinite");
    return t;
}

muir_text32 muir_si(double value, const char *unit)
{
    if (!isfinite(value)) return odd_text(value);
    static const char *const prefixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Z"};
    const double size = fabs(value);
    int i = 3;
    double scaled = size;
    while (scaled >= 999.5 && i < 10) scaled /= 1000.0, i++;
    while (scaled != 0.0 && scaled < 0.9995 && i > 0) scaled *= 1000.0, i--;
    muir_text32 t;
    snprintf(t.s, sizeof t.s, "%s%.*f %s%s", value < 0.0 ? "-" : "", decimals_of(scaled), scaled, prefixes[i],
             unit);
    return t;
}

muir_text32 muir_bytes_text(double bytes)
{
    if (!isfinite(bytes)) return odd_text(bytes);
    static const char *const prefixes[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const char *sign = bytes < 0.0 ? "-" : "";
    int i = 0;
    bytes = fabs(bytes);
    while (bytes >= 1023.5 && i < 6) bytes /= 1024.0, i++;
    muir_text32 t;
    snprintf(t.s, sizeof t.s, "%s%.*f %s", sign, i == 0 ? 0 : decimals_of(bytes), bytes, prefixes[i]);
    return t;
}

muir_text32 muir_time_text(double seconds)
{
    static const double year_s = 365.25 * 86400.0;
    if (!(seconds >= 100.0 && isfinite(seconds))) return muir_si(seconds, "s");
    muir_text32 t;
    if (seconds >= 100.0 * year_s) {
        snprintf(t.s, sizeof t.s, "%.3g years", seconds / year_s);
        return t;
    }
    const long long s = llround(seconds);
    if (s < 3600)
        snprintf(t.s, sizeof t.s, "%lld min %02lld s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(t.s, sizeof t.s, "%lld h %02lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(t.s, sizeof t.s, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return t;
}

muir_text32 muir_count_text(long long count)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", llabs(count));
    const size_t n = strlen(digits);
    muir_text32 t;
    size_t k = 0;
    if (count < 0) t.s[k++] = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) t.s[k++] = ',';
        t.s[k++] = digits[i];
    }
    t.s[k] = '\0';
    return t;
}
