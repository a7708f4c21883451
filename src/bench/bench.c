/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of benchmarks, and what they share in reading their options. */
#include "bench/bench.h"

#include <string.h>

#define BENCH(id) extern const muir_bench muir_bench_##id;
#include "bench/benches.def"
#undef BENCH
static const muir_bench *const benches[] = {
#define BENCH(id) &muir_bench_##id,
#include "bench/benches.def"
#undef BENCH
};
enum { N_BENCHES = sizeof benches / sizeof benches[0] };

int muir_bench_count(void)
{
    return N_BENCHES;
}

const muir_bench *muir_bench_at(int i)
{
    return benches[i];
}

const muir_bench *muir_bench_find(const char *name)
{
    for (int i = 0; name && i < N_BENCHES; i++)
        if (strcmp(benches[i]->name, name) == 0) return benches[i];
    return NULL;
}

long long muir_bench_or(long long given, long long fallback)
{
    return given > 0 ? given : fallback;
}

bool muir_bench_is_wanted(const char *list, const char *name)
{
    const size_t length = strlen(name);
    if (!list) return true;
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, ",");
        if (n == length && strncmp(p, name, n) == 0) return true;
        p += n + (p[n] == ',');
    }
    return false;
}
