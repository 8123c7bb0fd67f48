/* archive_made.h - archives made for tests. Include after cmocka.h. */
#ifndef MEWL_TESTS_DATA_ARCHIVE_MADE_H
#define MEWL_TESTS_DATA_ARCHIVE_MADE_H

#include <stdbool.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

/* An archive of one good file and, when given, one more entry. */
static inline void make_archive(const char *path, bool zip, const char *name, mode_t type, const char *content)
{
    struct archive *a = archive_write_new();
    assert_int_equal(zip ? archive_write_set_format_zip(a) : archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
    assert_int_equal(zip ? ARCHIVE_OK : archive_write_add_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    const char *names[2] = {"set-master/audio/one.wav", name};
    for (int i = 0; i < 2 && names[i] != NULL; i++) {
        struct archive_entry *e = archive_entry_new();
        const char *text = i == 0 ? "one" : content;
        archive_entry_set_pathname(e, names[i]);
        archive_entry_set_filetype(e, i == 0 ? AE_IFREG : type);
        archive_entry_set_perm(e, 0644);
        if (i == 1 && type == AE_IFLNK) {
            archive_entry_set_symlink(e, content);
        } else {
            archive_entry_set_size(e, (la_int64_t)strlen(text));
        }
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        if (i == 0 || type == AE_IFREG) {
            archive_write_data(a, text, strlen(text));
        }
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

#endif
