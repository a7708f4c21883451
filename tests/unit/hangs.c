/* SPDX-License-Identifier: BSD-3-Clause */
/* A test program that hangs, spinning or asleep, for tests/cli/test_patience.py to see it ended. */
#include <string.h>
#include <unistd.h>

#include "check.h"

static void wait_for_ever(bool is_asleep)
{
    CU_ASSERT(true);
    for (volatile bool is_waiting = true; is_waiting;)
        if (is_asleep) sleep(1);
}

static void spinning_never_ends(void)
{
    wait_for_ever(false);
}

static void sleep_never_ends(void)
{
    wait_for_ever(true);
}

int main(int argc, char **argv)
{
    CU_TestInfo spin[] = {{"spinning never ends", spinning_never_ends}, CU_TEST_INFO_NULL},
                rest[] = {{"sleep never ends", sleep_never_ends}, CU_TEST_INFO_NULL};
    return muir_test_main(argc, argv, "hangs", argc > 1 && strcmp(argv[1], "spin") == 0 ? spin : rest);
}
