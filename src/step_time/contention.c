/* SPDX-License-Identifier: BSD-3-Clause */
/* Fair shares of ports, in closed form. */
#include "step_time/contention.h"

#include <math.h>

void muir_beside_add(muir_beside *beside, muir_port_times ports, double exposed_s)
{
    const double share = ports.time_s > 0.0 ? exposed_s / ports.time_s : 0.0;
    beside->wait_s += exposed_s;
    beside->busy = muir_ports_sum(beside->busy, ports, share);
    beside->hidden = muir_ports_sum(beside->hidden, ports, 1.0 - share);
}

void muir_beside_sum(muir_beside *sum, const muir_beside *beside, double times)
{
    sum->compute_s += times * beside->compute_s;
    sum->wait_s += times * beside->wait_s;
    sum->busy = muir_ports_sum(sum->busy, beside->busy, times);
    sum->hidden = muir_ports_sum(sum->hidden, beside->hidden, times);
}

double muir_beside_exposed_s(const muir_beside *beside, muir_port_times own, double overlap, double pieces)
{
    const double own_s = own.time_s, before = pieces > 0.0 ? 1.0 - 1.0 / pieces : 1.0;
    if (own_s <= 0.0) return 0.0;
    const double near = own.local_s / own_s, far = own.fabric_s / own_s;
    const double shared_s =
        overlap * fmin(beside->wait_s, near * beside->busy.local_s + far * beside->busy.fabric_s);
    const double others_s = near * beside->hidden.local_s + far * beside->hidden.fabric_s;
    const double free_s = fmax(0.0, overlap * (beside->compute_s + beside->wait_s) - shared_s - others_s);
    if (own_s > free_s + shared_s) return own_s - before * free_s;
    return (1.0 - before) * own_s + before * own_s * shared_s / (free_s + shared_s);
}
