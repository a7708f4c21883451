/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5's errors as one sentence, and the property list and types that every file uses. */
#include "io/h5.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REASON_SIZE = 400, READ_ATTEMPTS = 16 };

/* HDF5 buries the system's words:
 *     file write failed: time = .., error message = 'File too large', buf = .. */
static void shorten(const char *text, char reason[REASON_SIZE])
{
    static const char mark[] = "error message = '";
    const char *system_words = strstr(text, mark);
    if (!system_words) {
        snprintf(reason, REASON_SIZE, "%s", text);
        return;
    }
    system_words += sizeof mark - 1;
    snprintf(reason, REASON_SIZE, "%.*s: %.*s", (int)strcspn(text, ":"), text,
             (int)strcspn(system_words, "'"), system_words);
}

/* The first entry of an upward walk is the innermost one. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *reason)
{
    if (n == 0 && entry->desc) shorten(entry->desc, reason);
    return 0;
}

muir_status muir_fail_h5(muir_ctx *ctx, const char *path, const char *call)
{
    char reason[REASON_SIZE] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
    H5Eclear2(H5E_DEFAULT);
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, reason[0] ? reason : call);
}

muir_status muir_h5_access(muir_ctx *ctx, const char *path, hid_t *fapl)
{
    muir_status st = MUIR_OK;
    hid_t list = H5I_INVALID_HID;
    MUIR_TRY_H5(H5Eset_auto2(H5E_DEFAULT, NULL, NULL));
    MUIR_TRY_H5(list = H5Pcreate(H5P_FILE_ACCESS));
    MUIR_TRY_H5(H5Pset_fclose_degree(list, H5F_CLOSE_SEMI));
    /* SWMR needs the format of 1.10; a newer one would lock out readers that are common today. */
    MUIR_TRY_H5(H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110));
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
    MUIR_TRY_H5(H5Pset_file_locking(list, true, true));
#endif
    /* A reader that meets a checksum that does not fit tries again, since a writer may be at work there; each
     * time it sleeps twice as long. Unlimited, a file with one wrong byte holds it up for ever. */
    MUIR_TRY_H5(H5Pset_metadata_read_attempts(list, READ_ATTEMPTS));
    *fapl = list;
    list = H5I_INVALID_HID;
done:
    if (list >= 0) H5Pclose(list);
    return st;
}

hid_t muir_h5_file_type(muir_value_type type)
{
    switch (type) {
    case MUIR_F64: return H5T_IEEE_F64LE;
    case MUIR_F32: return H5T_IEEE_F32LE;
    case MUIR_I64: return H5T_STD_I64LE;
    case MUIR_I32: return H5T_STD_I32LE;
    case MUIR_TEXT: break;
    }
    return H5I_INVALID_HID;
}

hid_t muir_h5_memory_type(muir_value_type type)
{
    switch (type) {
    case MUIR_F64: return H5T_NATIVE_DOUBLE;
    case MUIR_F32: return H5T_NATIVE_FLOAT;
    case MUIR_I64: return H5T_NATIVE_INT64;
    case MUIR_I32: return H5T_NATIVE_INT32;
    case MUIR_TEXT: break;
    }
    return H5I_INVALID_HID;
}

muir_status muir_h5_text_type(muir_ctx *ctx, const char *path, size_t length, hid_t *type)
{
    muir_status st = MUIR_OK;
    hid_t copy = H5I_INVALID_HID;
    MUIR_TRY_H5(copy = H5Tcopy(H5T_C_S1));
    MUIR_TRY_H5(H5Tset_size(copy, length + 1));
    MUIR_TRY_H5(H5Tset_strpad(copy, H5T_STR_NULLTERM));
    MUIR_TRY_H5(H5Tset_cset(copy, H5T_CSET_UTF8));
    *type = copy;
    copy = H5I_INVALID_HID;
done:
    if (copy >= 0) H5Tclose(copy);
    return st;
}

/* Where H5Fclose fails, HDF5 keeps the id of what it has freed, and crashes with it when the program ends. So
 * what it still has to write goes into memory, which cannot fail like a disk. */
int muir_h5_detach(hid_t file)
{
    void *descriptor = NULL;
    const int memory = memfd_create("muir", MFD_CLOEXEC);
    if (memory >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor) >= 0)
        dup2(memory, *(int *)descriptor);
    return memory;
}

int muir_h5_detach_path(const char *path)
{
    struct stat file, other;
    const int memory = memfd_create("muir", MFD_CLOEXEC);
    const long n = sysconf(_SC_OPEN_MAX), most = n > 0 && n < 65536 ? n : 65536;
    if (memory < 0 || stat(path, &file) != 0) return memory;
    for (int i = 0; i < most; i++)
        if (fstat(i, &other) == 0 && other.st_dev == file.st_dev && other.st_ino == file.st_ino)
            dup2(memory, i);
    return memory;
}
