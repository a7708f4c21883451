/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of kinds of events, and which of them are failures. */
#include "scenario/kinds.h"

#include <string.h>

typedef struct kind_row {
    const char *name, *help;
    bool is_of_job;
} kind_row;

static const kind_row kinds[MUIR_KIND_COUNT] = {
#define CAUSE(name, reach, noticed, help) {#name, help, false},
#define OTHER(name, help) {#name, help, false},
#define JOB(name, noticed, help) {#name, help, true},
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
};

const char *muir_kind_name(int kind)
{
    return kinds[kind].name;
}

const char *muir_kind_help(int kind)
{
    return kinds[kind].help;
}

int muir_kind_find(const char *name)
{
    int kind = 0;
    while (kind < MUIR_KIND_COUNT && strcmp(kinds[kind].name, name) != 0) kind++;
    return kind;
}

bool muir_kind_is_of_job(int kind)
{
    return kinds[kind].is_of_job;
}

bool muir_kind_is_failure(int kind)
{
    return kind < MUIR_CAUSE_COUNT || kinds[kind].is_of_job;
}
