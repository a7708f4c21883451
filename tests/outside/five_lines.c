/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario and a collective from a program of a few lines; built against the installed <muir.h>. */
#include <muir.h>
#include <stdio.h>

int main(void)
{
    float x[3] = {1.0f, 2.0f, 3.0f};
    double step_s[10];
    muir_session *s;
    if (muir_session_open(&s)) return 1;
    const int ran = muir_session_run(s, "tiny", (const char *[]){"steps=10", "host.every=0", NULL}, NULL);
    const int summed = muir_session_all_reduce(s, x, 3);
    if (muir_session_rank(s) == 0 && muir_session_column(s, "step_time_s", step_s) == 0)
        printf("%lld steps, the first of %.4g s; %d ranks sum up to %g %g %g\n",
               (long long)muir_session_steps(s), step_s[0], muir_session_size(s), (double)x[0], (double)x[1],
               (double)x[2]);
    const int refused = muir_session_run(s, "nowhere", NULL, NULL);
    if (muir_session_rank(s) == 0) printf("%d: %s\n", refused, muir_session_message(s));
    muir_session_close(&s);
    return ran || summed || refused != 2;
}
