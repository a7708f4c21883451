/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds of a ring: every rank hands one part to its neighbour. */
#include "collectives/line.h"

muir_coll_line muir_coll_line_of_all(const muir_coll_steps *steps, int n_lanes)
{
    return (muir_coll_line){.n = steps->p, .index = steps->rank, .stride = 1, .width = 1, .n_lanes = n_lanes};
}

muir_coll_part muir_coll_line_whole(const muir_coll_steps *steps, const muir_coll_line *line)
{
    return muir_coll_steps_blocks(steps, line->first_block, line->n * line->width);
}

static int wrap(const muir_coll_line *line, int k)
{
    return (k % line->n + line->n) % line->n;
}

static muir_coll_part part_of(const muir_coll_steps *steps, const muir_coll_line *line, int k)
{
    return muir_coll_steps_blocks(steps, line->first_block + wrap(line, k) * line->width, line->width);
}

muir_coll_part muir_coll_line_own(const muir_coll_steps *steps, const muir_coll_line *line)
{
    return part_of(steps, line, line->index);
}

/* What of part k travels on a lane. */
static muir_coll_part lane_of(const muir_coll_steps *steps, const muir_coll_line *line, int lane, int k)
{
    const muir_coll_part part = part_of(steps, line, k);
    const size_t lower = line->n_lanes == 1 ? part.n : (part.n + 1) / 2;
    return lane == 0 ? (muir_coll_part){part.offset, lower}
                     : (muir_coll_part){part.offset + lower, part.n - lower};
}

static int direction_of(int lane)
{
    return lane == 0 ? 1 : -1;
}

static int peer_of(const muir_coll_line *line, int k)
{
    return line->first_rank + wrap(line, k) * line->stride;
}

static muir_coll_place moved(muir_coll_place at, size_t elements)
{
    return (muir_coll_place){at.buffer, at.offset + elements};
}

static void add(muir_coll_steps *steps, bool is_first, const muir_coll_step *step)
{
    if (is_first)
        muir_coll_steps_add(steps, step);
    else
        muir_coll_steps_add_to_round(steps, step);
}

/* In step s each rank hands on the partial result of part index - 1 - s, to which the next rank adds its own
 * contribution; the last step completes the rank's own part. Partial results alternate between two places:
 * one leaves while one arrives. */
void muir_coll_line_reduce_scatter(muir_coll_steps *steps, const muir_coll_line *line, muir_coll_place from,
                                   muir_coll_place to)
{
    const size_t start = muir_coll_line_whole(steps, line).offset, longest = part_of(steps, line, 0).n;
    const muir_coll_part own = muir_coll_line_own(steps, line);
    const size_t scratch = steps->n_scratch; /* behind what earlier steps use */
    if (line->n == 1) muir_coll_steps_add_copy(steps, to, from, own.n);
    for (int s = 0; s < line->n - 1; s++)
        for (int lane = 0; lane < line->n_lanes; lane++) {
            const int turn = direction_of(lane);
            const muir_coll_part out = lane_of(steps, line, lane, line->index - turn * (1 + s));
            const muir_coll_part in = lane_of(steps, line, lane, line->index - turn * (2 + s));
            const size_t landing = scratch + (size_t)(2 * lane) * longest;
            const muir_coll_place arriving = {MUIR_COLL_SCRATCH, landing + (size_t)(s % 2) * longest};
            const muir_coll_place before = {MUIR_COLL_SCRATCH, landing + (size_t)((s + 1) % 2) * longest};
            const muir_coll_place leaving = s == 0 ? moved(from, out.offset - start) : before;
            const muir_coll_place mine = moved(from, in.offset - start);
            const muir_coll_place result = s == line->n - 2 ? moved(to, in.offset - own.offset) : arriving;
            add(steps, lane == 0,
                &(muir_coll_step){
                    .send = {peer_of(line, line->index + turn), leaving, out.n},
                    .recv = {peer_of(line, line->index - turn), arriving, in.n},
                    .local = muir_coll_reduction(result, mine, arriving, in.n),
                });
        }
}

/* In step s each rank hands on part index - s. */
void muir_coll_line_all_gather(muir_coll_steps *steps, const muir_coll_line *line, muir_coll_place own)
{
    const size_t start = muir_coll_line_own(steps, line).offset;
    for (int s = 0; s < line->n - 1; s++)
        for (int lane = 0; lane < line->n_lanes; lane++) {
            const int turn = direction_of(lane);
            const muir_coll_part out = lane_of(steps, line, lane, line->index - turn * s);
            const muir_coll_part in = lane_of(steps, line, lane, line->index - turn * (1 + s));
            const muir_coll_place arriving = {MUIR_COLL_OUTPUT, in.offset};
            const muir_coll_place passing = {MUIR_COLL_OUTPUT, out.offset};
            const muir_coll_place leaving = s == 0 ? moved(own, out.offset - start) : passing;
            add(steps, lane == 0,
                &(muir_coll_step){
                    .send = {peer_of(line, line->index + turn), leaving, out.n},
                    .recv = {peer_of(line, line->index - turn), arriving, in.n},
                });
        }
}
