/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a job fits its chips, and how sure that is. */
#ifndef MUIR_MEMORY_FIT_H
#define MUIR_MEMORY_FIT_H

#include "memory/memory.h"
#include "scenario/scenario.h"

typedef enum muir_fit_verdict { MUIR_FITS, MUIR_TIGHT, MUIR_DOES_NOT_FIT } muir_fit_verdict;

typedef struct muir_memory_fit {
    double room;     /* that the chip has for programs [byte] */
    double shown;    /* of it, by the driver, at the peak: an allocator takes no more than there is [byte] */
    double headroom; /* room - shown; 0: the allocator has to give memory back; below 0: that lacks [byte] */
    double failing;  /* share of runs of that kind which run out of memory, expected */
    muir_fit_verdict verdict;
} muir_memory_fit;

/* "fits", "tight", "does NOT fit". Local. */
const char *muir_fit_verdict_name(muir_fit_verdict verdict);

/* The room that programs have on a chip: what the driver shows [byte]. Local. */
double muir_chip_room(const muir_chip *chip);

/* How a peak compares with the chip's room. What the model says scatters around what is measured like a
 * normal draw in the logarithm; an allocator that runs out gives back what it does not use, so that a job
 * fails if `needed` has no room.
 *     failing = Phi(ln(needed / room) / spread)
 * does not fit: needed > room, so that more than half of such runs fail; fits: total <= room and failing <=
 * 5 %; tight: between, as the allocator has to give back what it does not use, or the spread may take it.
 * Local. */
muir_memory_fit muir_memory_fit_of(const muir_memory *memory, const muir_chip *chip);

/* The peak of a scenario's job.
 * program  in   of the scenario's job
 * memory   out  untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_scenario_memory(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 muir_memory *memory);

#endif
