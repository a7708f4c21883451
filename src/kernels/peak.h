/* SPDX-License-Identifier: BSD-3-Clause */
/* What one core can reach at most, measured. */
#ifndef MUIR_KERNELS_PEAK_H
#define MUIR_KERNELS_PEAK_H

/* Multiply-add rate of this core in fp32 [FLOP/s], a multiply-add being 2 FLOP: the best of a few tries of
 * about 5 ms, in registers only. Speed changes with heat and neighbours, so take it beside the measurement
 * that it is the yardstick for. Local; takes 15 ms for each instruction set of the processor, of which there
 * are up to three. */
double muir_peak_flop_per_s(void);

#endif
