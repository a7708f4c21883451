/* SPDX-License-Identifier: BSD-3-Clause */
/* Partners as far apart as negabinary numbers say, for powers of two; Swing and Bine go by them. Private to
 * collectives/. */
#ifndef MUIR_COLLECTIVES_SWING_H
#define MUIR_COLLECTIVES_SWING_H

#include <stdbool.h>

/* Whether p >= 1 ranks are a power of two. Local. */
bool muir_swing_fits(int p);

/* Partner of a rank in step s: an even rank's is so far up, and an odd rank's so far down, as the negabinary
 * number with s + 1 ones says, (1 - (-2)^(s + 1)) / 3: 1, -1, 3, -5, 11, ...
 * Source: De Sensi et al., Swing, NSDI 2024. Local. */
int muir_swing_partner(int p, int rank, int s);

#endif
