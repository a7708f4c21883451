/* SPDX-License-Identifier: BSD-3-Clause */
/* What cores can reach at most, measured. */
#ifndef MUIR_KERNELS_PEAK_H
#define MUIR_KERNELS_PEAK_H

#include "base/words.h"

/* Multiply-add rate of this rank's cores [operations/s], a multiply-add of two elements being 2: the best of
 * a few tries of about 5 ms, in registers only, with the instruction that products of this type use here.
 * Where the processor has none for the type, that is the one for wider elements to which they are widened.
 * Speed changes with heat and neighbours, so take it beside the measurement that it is the yardstick for.
 * dtype    in  fp32, bf16, fp8 or int8; 0 for others
 * threads  in  that work at the same time, one on each core; >= 1
 * Local; takes 15 ms for each instruction set of the processor, of which there are up to three. */
double muir_peak_per_s(muir_dtype dtype, int threads);

/* The widest instruction that counts for it, static text; "" for other types. Local. */
const char *muir_peak_instruction(muir_dtype dtype);

#endif
