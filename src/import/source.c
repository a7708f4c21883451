/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening what is imported: a text, or a document. TOML, YAML and recipes in Python are turned into JSON by
 * scripts/import_document.py, whose libraries know them better than a reader of our own would. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "import/import.h"
#include "scenario/catalogue.h"

enum { PATH = 1200, MOST_BYTES = 64 << 20, EXIT_MISSING = 77 };

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), e = strlen(ending);
    return n >= e && strcmp(path + n - e, ending) == 0;
}

static muir_status parse(muir_ctx *ctx, const char *path, const char *text, size_t length, json_t **document)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %s", path, error.line > 0 ? error.line : 1, error.text);
    *document = root;
    return MUIR_OK;
}

/* Reads all that comes out of a pipe. */
static muir_status drain(muir_ctx *ctx, int from, char **text, size_t *length)
{
    size_t room = 1 << 16, n = 0;
    char *all = malloc(room);
    for (;;) {
        if (!all) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for an imported document");
        const ssize_t got = read(from, all + n, room - n - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
        if (n > MOST_BYTES) break;
        if (n + 1 < room) continue;
        char *more = realloc(all, room *= 2);
        if (!more) free(all);
        all = more;
    }
    all[n] = '\0';
    *text = all;
    *length = n;
    return MUIR_OK;
}

/* Runs the script; its standard output is one JSON document, or after a failure one sentence. */
static muir_status run_script(muir_ctx *ctx, const char *python, const char *script, const char *path,
                              char **text, size_t *length, int *code)
{
    int pipes[2], status = 0;
    if (pipe(pipes) != 0) return muir_fail(ctx, MUIR_ERR_FILE, "no pipe for Python: %s", strerror(errno));
    const pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
        execlp(python, python, script, path, (char *)NULL);
        _exit(EXIT_MISSING);
    }
    close(pipes[1]);
    if (child < 0) {
        close(pipes[0]);
        return muir_fail(ctx, MUIR_ERR_FILE, "Python cannot be started: %s", strerror(errno));
    }
    const muir_status st = drain(ctx, pipes[0], text, length);
    close(pipes[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return st;
}

static muir_status convert(muir_ctx *ctx, const char *path, json_t **document)
{
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    char root[1024], script[PATH], *text = NULL;
    size_t length = 0;
    int code = EXIT_MISSING;
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
    snprintf(script, sizeof script, "%s/../scripts/import_document.py", root);
    if (access(script, R_OK) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s, which reads TOML, YAML and Python, is missing", script));
    for (int i = 0; i < 2 && code == EXIT_MISSING; i++) {
        free(text);
        text = NULL;
        MUIR_TRY(run_script(ctx, pythons[i], script, path, &text, &length, &code));
    }
    if (code == EXIT_MISSING)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s: reading it needs Python 3.11 or later with PyYAML (Debian: "
                           "python3-yaml)",
                           path));
    if (code != 0) {
        text[strcspn(text, "\n")] = '\0';
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s", text[0] ? text : "the document cannot be read"));
    }
    MUIR_TRY(parse(ctx, path, text, length, document));
done:
    free(text);
    return st;
}

muir_status muir_import_open(muir_ctx *ctx, const muir_importer *importer, muir_import_source *source)
{
    muir_status st = MUIR_OK;
    if (importer->form == MUIR_IMPORT_FILE) return MUIR_OK;
    MUIR_TRY(muir_text_read(ctx, source->path, &source->text, &source->length));
    if (importer->form == MUIR_IMPORT_TEXT) return MUIR_OK;
    if (ends_in(source->path, ".toml") || ends_in(source->path, ".yaml") || ends_in(source->path, ".yml") ||
        ends_in(source->path, ".py"))
        MUIR_TRY(convert(ctx, source->path, &source->document));
    else
        MUIR_TRY(parse(ctx, source->path, source->text, source->length, &source->document));
    if (!json_is_object(source->document))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: its top level is not a mapping of keys", source->path));
done:
    return st;
}

void muir_import_close(muir_import_source *source)
{
    free(source->text);
    json_decref(source->document);
    source->text = NULL;
    source->document = NULL;
}
