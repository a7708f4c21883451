/* SPDX-License-Identifier: BSD-3-Clause */
/* The moments of a slot. */
#include "memory/moments.h"

#include <math.h>
#include <string.h>

typedef struct loss_copies {
    double forward, backward;
} loss_copies;

/* By stack.loss, and whether tp splits the vocabulary. */
static const loss_copies losses[][2] = {
#define LOSS(id, forward, backward, split_forward, split_backward, source)                                   \
    [MUIR_LOSS_##id] = {{forward, backward}, {split_forward, split_backward}},
#include "memory/losses.def"
#undef LOSS
};

static void offer(muir_peak *peak, muir_memory_moment moment, const double *part)
{
    double total = 0.0;
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++) total += part[i];
    if (total <= peak->total) return;
    memcpy(peak->part, part, sizeof peak->part);
    peak->total = total;
    peak->moment = moment;
}

/* What every pass of a stage has. */
static void start(double *part, const muir_stage_memory *s, double live)
{
    memset(part, 0, MUIR_MEMORY_PARTS * sizeof *part);
    part[MUIR_MEMORY_workspace] = s->job->stack.workspace_bytes;
    part[MUIR_MEMORY_gathered] = s->gathered;
    part[MUIR_MEMORY_activations] = live;
    part[MUIR_MEMORY_gradients] = s->is_accumulating ? s->lazy : 0.0;
}

/* Copies of the logits, and what the last norm reads and gives, whole where the sequence is split. */
static double loss_bytes(const muir_stage_memory *s, double copies)
{
    const bool is_whole = s->job->parallel.sequence_parallel && s->job->parallel.tp > 1;
    return copies * s->program->logits / (double)s->job->parallel.loss_pieces + s->program->head_bytes +
           (is_whole ? 0.5 * s->program->head_whole : 0.0);
}

void muir_peak_forward(muir_peak *peak, const muir_stage_memory *s, int chunk, double live)
{
    const loss_copies *copies = &losses[s->job->stack.loss][s->job->parallel.tp > 1];
    double part[MUIR_MEMORY_PARTS];
    start(part, s, live);
    offer(peak, MUIR_MOMENT_forward, part);
    if (chunk != s->last_chunk) return;
    part[MUIR_MEMORY_loss] = loss_bytes(s, copies->forward);
    offer(peak, MUIR_MOMENT_loss, part);
}

/* The head's products read the input whole and give its gradient whole, with the logits' gradient in 16 bits
 * and, beside the sum, the weights' own gradient. */
static void backward_of_head(muir_peak *peak, const muir_stage_memory *s, double live)
{
    const muir_stack *stack = &s->job->stack;
    const loss_copies *copies = &losses[stack->loss][s->job->parallel.tp > 1];
    const double elements = s->program->logits / (double)s->job->parallel.loss_pieces;
    double part[MUIR_MEMORY_PARTS];
    start(part, s, live);
    part[MUIR_MEMORY_loss] = loss_bytes(s, copies->backward);
    offer(peak, MUIR_MOMENT_loss_backward, part);
    part[MUIR_MEMORY_loss] =
        fmin(copies->backward, 2.0) * elements + s->program->head_bytes + s->program->head_whole;
    if (stack->gradient_copies != MUIR_COPIES_NONE || !stack->keeps_gradients)
        part[MUIR_MEMORY_gradient_copies] = 2.0 * s->head;
    offer(peak, MUIR_MOMENT_head_backward, part);
}

void muir_peak_backward(muir_peak *peak, const muir_stage_memory *s, int chunk, double live, double kept)
{
    double part[MUIR_MEMORY_PARTS];
    if (chunk == s->last_chunk) backward_of_head(peak, s, live);
    start(part, s, live);
    part[MUIR_MEMORY_working] = s->working;
    part[MUIR_MEMORY_gathered] += s->unsharded;
    part[MUIR_MEMORY_gradient_copies] = s->passing;
    offer(peak, MUIR_MOMENT_backward, part);
    part[MUIR_MEMORY_activations] = fmax(0.0, live - kept + s->first_layer);
    part[MUIR_MEMORY_gradients] = s->lazy;
    offer(peak, MUIR_MOMENT_backward_end, part);
}

/* What a chunk keeps of a microbatch. */
static double kept_by(const muir_program *program, const muir_layers_memory *layers, int chunk)
{
    const muir_chunk *c = &program->chunks[chunk];
    double bytes = 0.0;
    for (int part = 0; part < c->n_parts; part++)
        bytes += c->repeat[part] * layers->block[c->block[part]].kept;
    return bytes;
}

void muir_peak_slot(muir_peak *peak, const muir_stage_memory *s, const muir_layers_memory *layers, int stage,
                    const muir_slot *slot, double *live)
{
    const double kept = kept_by(s->program, layers, muir_program_chunk(s->program, stage, slot->chunk));
    if (slot->phase == MUIR_FORWARD) {
        *live += kept;
        muir_peak_forward(peak, s, slot->chunk, *live);
    } else {
        muir_peak_backward(peak, s, slot->chunk, *live, kept);
    }
    if (slot->phase == MUIR_WEIGHT || slot->is_joined) *live -= kept;
}

void muir_peak_update(muir_peak *peak, const muir_stage_memory *s)
{
    double part[MUIR_MEMORY_PARTS];
    start(part, s, 0.0);
    part[MUIR_MEMORY_gathered] = 0.0;
    part[MUIR_MEMORY_gradients] = s->lazy;
    part[MUIR_MEMORY_update] = s->update;
    offer(peak, MUIR_MOMENT_update, part);
}
