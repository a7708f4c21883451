/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders, programs and peaks of memory that candidates share, and a bound below their steps. */
#include "plan/plan_known.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Orders are kept for the candidates that share one, so many steps of them in all; programs for those that
 * differ in the keys behind parallel.order. */
enum { MOST_ORDERS = 64, MOST_ORDER_STEPS = 4000000, MOST_PROGRAMS = 32 };

struct muir_known {
    muir_known_order orders[MOST_ORDERS];
    int n_orders;
    int64_t n_order_steps;
    muir_known_program programs[MOST_PROGRAMS];
    int newest; /* of the programs, which follow each other in a ring */
};

muir_status muir_known_create(muir_ctx *ctx, muir_known **out)
{
    return muir_alloc(ctx, 1, sizeof **out, "the search", out);
}

static void forget_orders(muir_known *known)
{
    for (int i = 0; i < known->n_orders; i++) {
        muir_order_destroy(&known->orders[i].order);
        muir_memory_load_free(&known->orders[i].load);
    }
    known->n_orders = 0;
    known->n_order_steps = 0;
}

void muir_known_destroy(muir_known **known)
{
    if (!*known) return;
    forget_orders(*known);
    for (int i = 0; i < MOST_PROGRAMS; i++) muir_program_destroy(&(*known)->programs[i].program);
    free(*known);
    *known = NULL;
}

muir_status muir_known_order_find(muir_ctx *ctx, muir_known *known, const muir_job *job,
                                  muir_known_order **out)
{
    muir_status st = MUIR_OK;
    const muir_schedule *schedule = muir_schedule_find(job->parallel.schedule);
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    for (int i = 0; i < known->n_orders; i++)
        if (known->orders[i].schedule == schedule &&
            memcmp(&known->orders[i].shape, &shape, sizeof shape) == 0) {
            *out = &known->orders[i];
            return MUIR_OK;
        }
    if (known->n_orders == MOST_ORDERS || known->n_order_steps > MOST_ORDER_STEPS) forget_orders(known);
    muir_known_order *order = &known->orders[known->n_orders];
    *order = (muir_known_order){.schedule = schedule, .shape = shape};
    MUIR_TRY(muir_memory_load_make(ctx, schedule, shape, &order->load));
    known->n_orders++;
    *out = order;
done:
    return st;
}

muir_status muir_known_order_make(muir_ctx *ctx, muir_known *known, muir_known_order *order)
{
    muir_status st = MUIR_OK;
    if (order->order) return MUIR_OK;
    MUIR_TRY(muir_order_create(ctx, order->schedule, order->shape, &order->order));
    known->n_order_steps += order->order->n_steps;
done:
    return st;
}

/* Bytes behind the end of a name may differ: then the program is made once more. */
static bool is_of(const muir_known_program *p, const muir_parallel *parallel, const muir_job *job)
{
    return p->program && p->micro_batch_size == job->batch.micro_batch_size &&
           p->microbatches == job->microbatches && memcmp(&p->parallel, parallel, sizeof *parallel) == 0;
}

muir_status muir_known_program_find(muir_ctx *ctx, muir_known *known, const muir_job *job,
                                    const muir_memory_load *load, const muir_known_program **out)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    muir_parallel parallel;
    memcpy(&parallel, &job->parallel, sizeof parallel); /* with what lies between its members */
    parallel.order = 0;
    for (int i = 0; i < MOST_PROGRAMS; i++)
        if (is_of(&known->programs[i], &parallel, job)) {
            *out = &known->programs[i];
            return MUIR_OK;
        }
    MUIR_TRY(muir_program_create(ctx, job, &program));
    known->newest = (known->newest + 1) % MOST_PROGRAMS;
    muir_known_program *p = &known->programs[known->newest];
    muir_program_destroy(&p->program);
    memcpy(&p->parallel, &parallel, sizeof parallel);
    p->micro_batch_size = job->batch.micro_batch_size;
    p->microbatches = job->microbatches;
    p->program = program;
    p->memory = muir_memory_screen(job, program, load);
    *out = p;
done:
    return st;
}

static double least_slot_s(const muir_slot_time *slot, bool is_paired)
{
    return muir_slot_total_s(slot) - (is_paired ? slot->part_s[MUIR_SLOT_EP] : 0.0);
}

/* A schedule joins the two halves of a backward pass or does not. */
double muir_known_least_s(const muir_program *program, const muir_slot_times *times, int64_t microbatches)
{
    const int copies = muir_place_copies(program->place);
    const bool is_paired = copies > 1;
    double most_s = 0.0;
    for (int stage = 0; stage < program->n_stages; stage++) {
        double stage_s = 0.0;
        for (int i = 0; i < program->n_held; i++) {
            const int c = muir_program_chunk(program, stage, i);
            const double joined_s = least_slot_s(&times->slot[MUIR_SLOT_JOINED][c], is_paired),
                         split_s = least_slot_s(&times->slot[MUIR_BACKWARD][c], is_paired) +
                                   least_slot_s(&times->slot[MUIR_WEIGHT][c], is_paired);
            stage_s += least_slot_s(&times->slot[MUIR_FORWARD][c], is_paired) + fmin(joined_s, split_s);
        }
        most_s = fmax(most_s, stage_s);
    }
    return most_s * (double)microbatches / copies;
}
