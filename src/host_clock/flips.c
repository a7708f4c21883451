/* SPDX-License-Identifier: BSD-3-Clause */
/* Planting bit flips, and keeping book of them. */
#include "host_clock/flips.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { DRAW_COUNT, DRAW_RANK, DRAW_RESULT, DRAW_ELEMENT, DRAW_BIT, DRAWS };
enum { FIELDS = sizeof(muir_flip) / sizeof(int64_t) };

static uint32_t draw(const muir_flips *f, int64_t step, int flip, int what)
{
    return muir_rng_at(f->seed, MUIR_STREAM_FLIP, (uint32_t)step, (uint64_t)(flip * DRAWS + what));
}

void muir_flips_begin(muir_flips *f, int64_t step)
{
    const double whole = floor(f->rate);
    f->n = (int)whole;
    f->n += (double)draw(f, step, MUIR_FLIPS_MOST, DRAW_COUNT) < (f->rate - whole) * 0x1p32;
    if (f->n > MUIR_FLIPS_MOST) f->n = MUIR_FLIPS_MOST;
    f->ordinal = 0;
    f->first = f->last = 0;
    memset(f->flip, 0, sizeof f->flip);
    for (int i = 0; i < f->n; i++) {
        f->target[i] = -1;
        if ((int)(draw(f, step, i, DRAW_RANK) % (uint32_t)f->ranks) != f->rank) continue;
        if (f->n_results > 0) f->target[i] = (int64_t)draw(f, step, i, DRAW_RESULT) % f->n_results;
        f->draw[i] = draw(f, step, i, DRAW_ELEMENT);
        f->flip[i].step = step;
        f->flip[i].rank = f->rank;
        f->flip[i].bit = draw(f, step, i, DRAW_BIT) % 32;
    }
}

static void flip_bit(float *x, int bit)
{
    uint32_t bits;
    memcpy(&bits, x, sizeof bits);
    bits ^= UINT32_C(1) << bit;
    memcpy(x, &bits, sizeof bits);
}

int muir_flips_plant(muir_flips *f, int64_t op, muir_flip_kind kind, float *x, size_t n)
{
    int planted = 0;
    f->first = f->last = 0;
    for (int i = 0; i < f->n && n > 0; i++) {
        if (f->target[i] != f->ordinal) continue;
        muir_flip *flip = &f->flip[i];
        flip->op = op;
        flip->kind = (int64_t)kind;
        flip->element = (int64_t)(f->draw[i] % n);
        flip->is_planted = 1;
        flip_bit(&x[flip->element], (int)flip->bit);
        if (planted++ == 0) f->first = i;
        f->last = i + 1;
    }
    f->ordinal++;
    return planted;
}

void muir_flips_settle(muir_flips *f, bool is_checked, bool is_wrong)
{
    for (int i = f->first; i < f->last; i++) {
        if (f->target[i] != f->ordinal - 1) continue;
        f->flip[i].is_checked = is_checked;
        f->flip[i].is_caught = is_checked && is_wrong;
    }
}

muir_status muir_flips_gather(muir_ctx *ctx, muir_flips *f)
{
    muir_status st = MUIR_OK;
    if (f->n == 0) return MUIR_OK;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, f->flip, f->n * FIELDS, MPI_INT64_T, MPI_SUM, ctx->comm));
done:
    return st;
}

const char *muir_flip_kind_name(int64_t kind)
{
    static const char *const names[] = {"product", "collective", "message"};
    return kind >= 0 && kind < 3 ? names[kind] : "?";
}
