/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory streams of the host clock. */
#include "base/clock.h"
#include "host_clock/ops_state.h"

enum { CHUNK_BYTES = 256 << 10 }; /* between two looks at the clock */

/* The op's bytes; then, with a planned end, more of them until it is near. */
muir_status muir_host_mem_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const muir_op *op = &ops->program->ops[index];
    size_t bytes = 4 * muir_shrink_elements(op->mem.bytes, ops->shrink.factor);
    double start_s = muir_now_s(), took_s = 0.0;
    do {
        if (!moment->is_empty) muir_mem_stream(ops->mem, MUIR_MEM_COPY, bytes);
        const double now_s = muir_now_s();
        took_s = now_s - start_s;
        start_s = now_s;
        tally->mem_s += took_s;
        tally->mem_bytes += (double)bytes;
        bytes = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
        if (moment->until_s > 0.0) MUIR_TRY(muir_flights_poll(ctx, &ops->flights, tally));
    } while (start_s + took_s < moment->until_s);
done:
    return st;
}
