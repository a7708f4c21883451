/* SPDX-License-Identifier: BSD-3-Clause */
/* Fair shares of ports, in closed form. */
#include "step_time/overlap.h"

#include <math.h>

void muir_overlap_add(muir_overlap *overlap, muir_port_times ports, double exposed_s)
{
    const double share = ports.time_s > 0.0 ? exposed_s / ports.time_s : 0.0;
    overlap->wait_s += exposed_s;
    overlap->busy = muir_ports_sum(overlap->busy, ports, share);
    overlap->hidden = muir_ports_sum(overlap->hidden, ports, 1.0 - share);
}

void muir_overlap_sum(muir_overlap *sum, const muir_overlap *overlap, double times)
{
    sum->compute_s += times * overlap->compute_s;
    sum->wait_s += times * overlap->wait_s;
    sum->busy = muir_ports_sum(sum->busy, overlap->busy, times);
    sum->hidden = muir_ports_sum(sum->hidden, overlap->hidden, times);
}

double muir_overlap_exposed_s(const muir_overlap *with, muir_port_times own, double share, double pieces)
{
    const double own_s = own.time_s, before = pieces > 0.0 ? 1.0 - 1.0 / pieces : 1.0;
    if (own_s <= 0.0) return 0.0;
    const double near = own.local_s / own_s, far = own.fabric_s / own_s;
    const double shared_s = share * fmin(with->wait_s, near * with->busy.local_s + far * with->busy.fabric_s);
    const double others_s = near * with->hidden.local_s + far * with->hidden.fabric_s;
    const double free_s = fmax(0.0, share * (with->compute_s + with->wait_s) - shared_s - others_s);
    if (own_s > free_s + shared_s) return own_s - before * free_s;
    return (1.0 - before) * own_s + before * own_s * shared_s / (free_s + shared_s);
}
