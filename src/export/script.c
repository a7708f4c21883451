/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a script of the installation and going on as it. */
#include "export/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_SIZE = 4096 };

static bool find_program(char program[PATH_SIZE])
{
    const ssize_t n = readlink("/proc/self/exe", program, PATH_SIZE - 1);
    program[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* share/muir/scripts beside the bin folder of the program, else those of the source tree. */
static bool find_script(const char *program, const char *name, char path[PATH_SIZE])
{
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", program);
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(folder, '/');
        if (slash) *slash = '\0';
    }
    if (snprintf(path, PATH_SIZE, "%s/share/muir/scripts/%s", folder, name) < PATH_SIZE &&
        access(path, R_OK) == 0)
        return true;
    return snprintf(path, PATH_SIZE, "%s/%s", MUIR_SCRIPTS_SOURCE, name) < PATH_SIZE &&
           access(path, R_OK) == 0;
}

muir_status muir_script_run(muir_ctx *ctx, const char *name, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    char program[PATH_SIZE], path[PATH_SIZE], python[] = "python3";
    char **arguments = NULL;
    if (!find_program(program) || !find_script(program, name, path))
        return muir_fail(ctx, MUIR_ERR_FILE,
                         "the script %s is missing from this installation (share/muir/scripts)", name);
    MUIR_TRY(muir_alloc(ctx, (size_t)argc + 3, sizeof *arguments, "arguments", &arguments));
    arguments[0] = python;
    arguments[1] = path;
    for (int i = 0; i < argc; i++) arguments[i + 2] = argv[i];
    setenv("MUIR", program, 1);
    execvp(python, arguments);
    execv("/usr/bin/python3", arguments); /* where PATH has none */
    st = muir_fail(ctx, MUIR_ERR_FILE, "python3, which runs %s, cannot be started: %s (run scripts/setup)",
                   name, strerror(errno));
done:
    free(arguments);
    return st;
}
