/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and meanings of parts and moments. */
#include "memory/memory.h"

static const char *const part_names[] = {
#define PART(id, help) #id,
#include "memory/parts.def"
#undef PART
};
static const char *const part_helps[] = {
#define PART(id, help) help,
#include "memory/parts.def"
#undef PART
};
static const char *const moment_names[] = {
#define MOMENT(id, help) #id,
#include "memory/moments.def"
#undef MOMENT
};
static const char *const moment_helps[] = {
#define MOMENT(id, help) help,
#include "memory/moments.def"
#undef MOMENT
};

const char *muir_memory_part_name(muir_memory_part part)
{
    return part_names[part];
}

const char *muir_memory_part_help(muir_memory_part part)
{
    return part_helps[part];
}

const char *muir_memory_moment_name(muir_memory_moment moment)
{
    return moment_names[moment];
}

const char *muir_memory_moment_help(muir_memory_moment moment)
{
    return moment_helps[moment];
}
