/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of kinds of events. */
#include "scenario/kinds.h"

typedef struct kind_row {
    const char *name, *help;
} kind_row;

static const kind_row kinds[MUIR_KIND_COUNT] = {
#define CAUSE(name, reach, noticed, help) {#name, help},
#define OTHER(name, help) {#name, help},
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
};

const char *muir_kind_name(int kind)
{
    return kinds[kind].name;
}

const char *muir_kind_help(int kind)
{
    return kinds[kind].help;
}
