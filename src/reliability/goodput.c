/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of classes, and ratios of an account of time. */
#include "reliability/goodput.h"

#include <math.h>

const char *muir_class_name(int class)
{
#define NAME(name, help) #name,
    static const char *const names[MUIR_CLASS_COUNT] = {MUIR_CLASS_LIST(NAME)};
#undef NAME
    return names[class];
}

const char *muir_class_help(int class)
{
#define HELP(name, help) help,
    static const char *const helps[MUIR_CLASS_COUNT] = {MUIR_CLASS_LIST(HELP)};
#undef HELP
    return helps[class];
}

double muir_goodput_share(const muir_goodput *g)
{
    return g->total_ns > 0 ? (double)g->class_ns[MUIR_CLASS_productive] / (double)g->total_ns : 1.0;
}

double muir_goodput_mtti_s(const muir_goodput *g)
{
    return g->interruptions > 0 ? 1e-9 * (double)g->total_ns / (double)g->interruptions : INFINITY;
}
