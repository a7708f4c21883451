/* SPDX-License-Identifier: BSD-3-Clause */
/* FFTW in single precision, loaded when the program runs, so that muir builds and starts without it. */
#ifndef MUIR_KERNELS_FFTW_H
#define MUIR_KERNELS_FFTW_H

#include "base/ctx.h"

typedef struct muir_fftw muir_fftw;

/* out  out  NULL where the library is missing, which is no error; free it with muir_fftw_unload
 * Local. MUIR_ERR_MEM. */
muir_status muir_fftw_load(muir_ctx *ctx, muir_fftw **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_fftw_unload(muir_fftw **fftw);

#endif
