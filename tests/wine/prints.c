/* A Win32 program that saves documents in every way that King, PDF writers and office programs do.
 *
 *   prints.exe X:\ Z:\sources\ pattern [pattern...]
 *
 * A pattern saves one document or a few into the first folder; the bytes of NAME are those of the file NAME in the second
 * one, and where a pattern needs an earlier version of a document, those of `old.pdf`. One line a pattern goes to standard
 * output, in UTF-8: `ok PATTERN`, or `FAILED PATTERN: step (error NUMBER)`. Then comes `done`, and the program ends when
 * its standard input does: until then it keeps its reading handles. Which documents are to be expected on the server is
 * told in test_win32_program.py.
 *
 * Built with: x86_64-w64-mingw32-gcc -municode -O1 prints.c -o prints.exe
 */

#define WIN32_LEAN_AND_MEAN
#define _WIN32_WINNT 0x0A00
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define PIECE 4096
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define NEED(step)                                                                                                     \
    do {                                                                                                               \
        if (!(step))                                                                                                   \
            return failed(#step);                                                                                      \
    } while (0)

struct document {
    BYTE *bytes;
    DWORD size;
};

static const WCHAR *drive, *sources;
static const char *pattern_name;

static int failed(const char *step)
{
    printf("FAILED %s: %s (error %lu)\n", pattern_name, step, GetLastError());
    return 0;
}

/* ---- what patterns are made of ---------------------------------------------------------------------------------- */

static const WCHAR *join(const WCHAR *folder, const WCHAR *name)
{
    static WCHAR paths[16][MAX_PATH];
    static int next;
    WCHAR *path = paths[next++ % 16];
    swprintf(path, MAX_PATH, L"%ls%ls", folder, name);
    return path;
}

static const WCHAR *at(const WCHAR *name)
{
    return join(drive, name);
}

static struct document source(const WCHAR *name)
{
    struct document found = {NULL, 0};
    HANDLE file = CreateFileW(join(sources, name), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    DWORD done = 0;
    if (file == INVALID_HANDLE_VALUE)
        return found;
    found.size = GetFileSize(file, NULL);
    found.bytes = malloc(found.size + 1);
    if (!found.bytes || !ReadFile(file, found.bytes, found.size, &done, NULL) || done != found.size)
        found.size = 0;
    else
        found.bytes[found.size] = 0;
    CloseHandle(file);
    return found;
}

static HANDLE opened(const WCHAR *name, DWORD access, DWORD share, DWORD how)
{
    return CreateFileW(at(name), access, share, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

static BOOL put(HANDLE file, const BYTE *bytes, DWORD size)
{
    while (size) {
        DWORD piece = size < PIECE ? size : PIECE, done = 0;
        if (!WriteFile(file, bytes, piece, &done, NULL) || done != piece)
            return FALSE;
        bytes += piece;
        size -= piece;
    }
    return TRUE;
}

static BOOL seek(HANDLE file, LONGLONG where)
{
    LARGE_INTEGER offset;
    offset.QuadPart = where;
    return SetFilePointerEx(file, offset, NULL, FILE_BEGIN);
}

static BOOL set_size(HANDLE file, LONGLONG size)
{
    return seek(file, size) && SetEndOfFile(file);
}

static BOOL save(const WCHAR *name, struct document document, DWORD how)
{
    HANDLE file = opened(name, GENERIC_READ | GENERIC_WRITE, 0, how);
    BOOL done;
    if (file == INVALID_HANDLE_VALUE || !document.bytes)
        return FALSE;
    done = put(file, document.bytes, document.size);
    return CloseHandle(file) && done;
}

static BOOL save_old(const WCHAR *name)
{
    return save(name, source(L"old.pdf"), CREATE_NEW);
}

static BOOL exists(const WCHAR *name)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(at(name), &found);
    if (search == INVALID_HANDLE_VALUE)
        return FALSE;
    FindClose(search);
    return TRUE;
}

static BOOL holds(const WCHAR *name, struct document document)
{
    HANDLE file = opened(name, GENERIC_READ, SHARE_ALL, OPEN_EXISTING);
    BYTE *bytes = malloc(document.size + 1);
    DWORD done = 0;
    BOOL same = bytes && file != INVALID_HANDLE_VALUE && ReadFile(file, bytes, document.size + 1, &done, NULL) &&
                done == document.size && !memcmp(bytes, document.bytes, done);
    CloseHandle(file);
    free(bytes);
    return same;
}

/* ---- King ------------------------------------------------------------------------------------------------------- */

/* King never overwrites: it looks for a free name, and makes the file only if it is still free. */
static int as_king(const WCHAR *stem, const WCHAR *ending, struct document document)
{
    WCHAR name[MAX_PATH];
    ULARGE_INTEGER room;
    int number = 0;
    NEED(document.bytes);
    NEED(GetDiskFreeSpaceExW(drive, &room, NULL, NULL) && room.QuadPart > document.size);
    swprintf(name, MAX_PATH, L"%ls.%ls", stem, ending);
    while (exists(name))
        swprintf(name, MAX_PATH, L"%ls(%d).%ls", stem, ++number, ending);
    NEED(save(name, document, CREATE_NEW));
    return 1;
}

static int king(void)
{
    return as_king(L"2026-0001", L"pdf", source(L"2026-0001.pdf")) &&
           as_king(L"2026-0001", L"xml", source(L"2026-0001.xml"));
}

static int king_prints_again(void)
{
    NEED(as_king(L"2026-0002", L"pdf", source(L"old.pdf")));
    NEED(as_king(L"2026-0002", L"pdf", source(L"2026-0002.pdf")));
    NEED(exists(L"2026-0002(1).pdf"));
    return 1;
}

static int king_prints_live(void)
{
    return as_king(L"2026-0003", L"pdf", source(L"2026-0003.pdf")) &&
           as_king(L"2026-0003", L"xml", source(L"2026-0003.xml"));
}

/* ---- one document in one go ------------------------------------------------------------------------------------- */

static int at_once(void)
{
    struct document it = source(L"Ra\x010Dun \x20AC 1 (at once) & #%.pdf");
    HANDLE file = opened(L"Ra\x010Dun \x20AC 1 (at once) & #%.pdf", GENERIC_WRITE, 0, CREATE_ALWAYS);
    DWORD done = 0;
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(WriteFile(file, it.bytes, it.size, &done, NULL) && done == it.size);
    NEED(CloseHandle(file));
    return 1;
}

static int header_patch(void)
{
    struct document it = source(L"header patch.pdf");
    HANDLE file = opened(L"header patch.pdf", GENERIC_WRITE, 0, CREATE_ALWAYS);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, (const BYTE *)"%PDF-?.?", 8) && put(file, it.bytes + 8, it.size - 8));
    NEED(seek(file, 0) && put(file, it.bytes, 8));
    NEED(CloseHandle(file));
    return 1;
}

static int backwards(void)
{
    struct document it = source(L"backwards.pdf");
    HANDLE file = opened(L"backwards.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    DWORD start = it.size / PIECE * PIECE;
    NEED(file != INVALID_HANDLE_VALUE);
    for (;; start -= PIECE) {
        NEED(seek(file, start) && put(file, it.bytes + start, start + PIECE < it.size ? PIECE : it.size - start));
        if (!start)
            break;
    }
    NEED(CloseHandle(file));
    return 1;
}

static int shrink(void)
{
    struct document it = source(L"shrink.pdf");
    HANDLE file = opened(L"shrink.pdf", GENERIC_WRITE, 0, CREATE_ALWAYS);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes, it.size) && put(file, it.bytes, it.size));
    NEED(set_size(file, it.size));
    NEED(CloseHandle(file));
    return 1;
}

static int preallocate(void)
{
    struct document it = source(L"preallocate.pdf");
    HANDLE file = opened(L"preallocate.pdf", GENERIC_WRITE, 0, CREATE_ALWAYS);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(set_size(file, 1000000) && seek(file, 0));
    NEED(put(file, it.bytes, it.size) && SetEndOfFile(file));
    NEED(CloseHandle(file));
    return 1;
}

static int size_by_handle(void)
{
    struct document it = source(L"size by handle.pdf");
    HANDLE file = opened(L"size by handle.pdf", GENERIC_WRITE, 0, CREATE_ALWAYS);
    FILE_ALLOCATION_INFO room;
    FILE_END_OF_FILE_INFO end;
    room.AllocationSize.QuadPart = it.size;
    end.EndOfFile.QuadPart = it.size;
    NEED(file != INVALID_HANDLE_VALUE);
    SetFileInformationByHandle(file, FileAllocationInfo, &room, sizeof room); /* a wish; not every system grants it */
    NEED(SetFileInformationByHandle(file, FileEndOfFileInfo, &end, sizeof end));
    NEED(put(file, it.bytes, it.size));
    NEED(CloseHandle(file));
    return 1;
}

static int truncate_and_rewrite(void)
{
    struct document it = source(L"truncate and rewrite.pdf"), old = source(L"old.pdf");
    HANDLE file = opened(L"truncate and rewrite.pdf", GENERIC_WRITE, FILE_SHARE_READ, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, old.bytes, old.size) && set_size(file, 0));
    NEED(put(file, it.bytes, it.size));
    NEED(CloseHandle(file));
    return 1;
}

static int overlapped(void)
{
    struct document it = source(L"overlapped.pdf");
    HANDLE file = CreateFileW(at(L"overlapped.pdf"), GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_FLAG_OVERLAPPED, NULL);
    DWORD start, done;
    NEED(file != INVALID_HANDLE_VALUE);
    for (start = 0; start < it.size; start += PIECE) {
        DWORD piece = it.size - start < PIECE ? it.size - start : PIECE;
        OVERLAPPED where = {0};
        where.Offset = start;
        where.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        NEED(WriteFile(file, it.bytes + start, piece, NULL, &where) || GetLastError() == ERROR_IO_PENDING);
        NEED(GetOverlappedResult(file, &where, &done, TRUE) && done == piece);
        CloseHandle(where.hEvent);
    }
    NEED(CloseHandle(file));
    return 1;
}

/* Whole sectors only; the last one is cut by a second handle, which may count bytes. */
static int unbuffered(void)
{
    struct document it = source(L"unbuffered.pdf");
    DWORD whole = (it.size + PIECE - 1) / PIECE * PIECE;
    BYTE *sectors = VirtualAlloc(NULL, whole, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    HANDLE file = CreateFileW(at(L"unbuffered.pdf"), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                              FILE_FLAG_NO_BUFFERING | FILE_FLAG_WRITE_THROUGH, NULL);
    NEED(sectors && file != INVALID_HANDLE_VALUE);
    memcpy(sectors, it.bytes, it.size);
    NEED(put(file, sectors, whole) && CloseHandle(file));
    file = opened(L"unbuffered.pdf", GENERIC_WRITE, 0, OPEN_EXISTING);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(set_size(file, it.size) && CloseHandle(file));
    return 1;
}

static int flush_each_piece(void)
{
    struct document it = source(L"flush each piece.pdf");
    HANDLE file = opened(L"flush each piece.pdf", GENERIC_WRITE, FILE_SHARE_READ, CREATE_NEW);
    DWORD start;
    NEED(file != INVALID_HANDLE_VALUE);
    for (start = 0; start < it.size; start += PIECE) {
        NEED(put(file, it.bytes + start, it.size - start < PIECE ? it.size - start : PIECE));
        NEED(FlushFileBuffers(file));
    }
    NEED(CloseHandle(file));
    return 1;
}

static int locked(void)
{
    struct document it = source(L"locked.pdf");
    HANDLE file = opened(L"locked.pdf", GENERIC_READ | GENERIC_WRITE, SHARE_ALL, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(LockFile(file, 0, 0, it.size, 0));
    NEED(put(file, it.bytes, it.size));
    NEED(UnlockFile(file, 0, 0, it.size, 0));
    NEED(CloseHandle(file));
    return 1;
}

static int mapped(const WCHAR *name, BOOL close_first)
{
    struct document it = source(name);
    HANDLE file = opened(name, GENERIC_READ | GENERIC_WRITE, 0, CREATE_ALWAYS), mapping;
    BYTE *view;
    NEED(file != INVALID_HANDLE_VALUE);
    mapping = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, it.size, NULL);
    NEED(mapping);
    view = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    NEED(view);
    if (close_first) {
        NEED(CloseHandle(mapping) && CloseHandle(file));
        memcpy(view, it.bytes, it.size);
        NEED(FlushViewOfFile(view, 0) && UnmapViewOfFile(view));
        return 1;
    }
    memcpy(view, it.bytes, it.size);
    NEED(UnmapViewOfFile(view) && CloseHandle(mapping) && CloseHandle(file));
    return 1;
}

static int mapping(void)
{
    return mapped(L"mapping.pdf", FALSE);
}

static int mapping_outlives_its_handle(void)
{
    return mapped(L"mapping outlives its handle.pdf", TRUE);
}

static int crt_fprintf(void)
{
    struct document it = source(L"crt fprintf.xml");
    FILE *file = _wfopen(at(L"crt fprintf.xml"), L"wb");
    char *line = (char *)it.bytes, *end;
    NEED(it.bytes && file);
    for (; *line; line = end) {
        end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        NEED(fprintf(file, "%.*s", (int)(end - line), line) == end - line);
    }
    NEED(!fclose(file));
    return 1;
}

static int crt_unbuffered(void)
{
    struct document it = source(L"crt unbuffered.xml");
    FILE *file = _wfopen(at(L"crt unbuffered.xml"), L"wbx");
    NEED(it.bytes && (file || (file = _wfopen(at(L"crt unbuffered.xml"), L"wb"))));
    setvbuf(file, NULL, _IONBF, 0);
    NEED(fwrite(it.bytes, 1, it.size, file) == it.size);
    NEED(!fclose(file));
    return 1;
}

static int copy_file(void)
{
    NEED(CopyFileW(join(sources, L"copy file.pdf"), at(L"copy file.pdf"), TRUE));
    return 1;
}

static int move_from_another_disk(void)
{
    WCHAR temporary[MAX_PATH];
    NEED(GetTempPathW(MAX_PATH, temporary) && wcscat(temporary, L"to be moved.pdf"));
    NEED(CopyFileW(join(sources, L"move from another disk.pdf"), temporary, FALSE));
    NEED(MoveFileExW(temporary, at(L"move from another disk.pdf"), MOVEFILE_COPY_ALLOWED | MOVEFILE_WRITE_THROUGH));
    NEED(GetFileAttributesW(temporary) == INVALID_FILE_ATTRIBUTES);
    return 1;
}

/* ---- more than one handle --------------------------------------------------------------------------------------- */

static int nobody_else_may_open(void)
{
    struct document it = source(L"nobody else may open.pdf");
    HANDLE file = opened(L"nobody else may open.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes, it.size / 2));
    NEED(opened(L"nobody else may open.pdf", GENERIC_READ, SHARE_ALL, OPEN_EXISTING) == INVALID_HANDLE_VALUE);
    NEED(GetLastError() == ERROR_SHARING_VIOLATION);
    NEED(put(file, it.bytes + it.size / 2, it.size - it.size / 2));
    NEED(CloseHandle(file));
    return 1;
}

static int two_handles(void)
{
    struct document it = source(L"two handles.pdf");
    HANDLE files[2];
    DWORD start;
    int turn = 0;
    files[0] = opened(L"two handles.pdf", GENERIC_WRITE, SHARE_ALL, CREATE_NEW);
    files[1] = opened(L"two handles.pdf", GENERIC_WRITE, SHARE_ALL, OPEN_EXISTING);
    NEED(files[0] != INVALID_HANDLE_VALUE && files[1] != INVALID_HANDLE_VALUE);
    for (start = 0; start < it.size; start += PIECE, turn = !turn) {
        NEED(seek(files[turn], start));
        NEED(put(files[turn], it.bytes + start, it.size - start < PIECE ? it.size - start : PIECE));
    }
    NEED(CloseHandle(files[0]) && CloseHandle(files[1]));
    return 1;
}

static int duplicated_handle(void)
{
    struct document it = source(L"duplicated handle.pdf");
    HANDLE file = opened(L"duplicated handle.pdf", GENERIC_WRITE, 0, CREATE_NEW), other;
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(DuplicateHandle(GetCurrentProcess(), file, GetCurrentProcess(), &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
    NEED(put(file, it.bytes, it.size / 3) && CloseHandle(file));
    NEED(put(other, it.bytes + it.size / 3, it.size - it.size / 3) && CloseHandle(other));
    return 1;
}

/* A virus scanner: it opens while the program still writes, and closes when this program ends. */
static int reader_keeps_its_handle(void)
{
    struct document it = source(L"reader keeps its handle.pdf");
    HANDLE file = opened(L"reader keeps its handle.pdf", GENERIC_WRITE, SHARE_ALL, CREATE_NEW), reader;
    BYTE first[8];
    DWORD done = 0;
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes, it.size / 2));
    reader = opened(L"reader keeps its handle.pdf", GENERIC_READ, SHARE_ALL, OPEN_EXISTING);
    NEED(reader != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes + it.size / 2, it.size - it.size / 2) && CloseHandle(file));
    NEED(ReadFile(reader, first, sizeof first, &done, NULL) && done == sizeof first);
    NEED(!memcmp(first, it.bytes, sizeof first));
    return 1;
}

/* ---- in several goes -------------------------------------------------------------------------------------------- */

static int append(void)
{
    struct document it = source(L"append.pdf");
    HANDLE file = opened(L"append.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes, it.size / 2) && CloseHandle(file));
    file = opened(L"append.pdf", FILE_APPEND_DATA, FILE_SHARE_READ, OPEN_EXISTING);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes + it.size / 2, it.size - it.size / 2) && CloseHandle(file));
    return 1;
}

static int create_always_over(void)
{
    NEED(save_old(L"create always over.pdf"));
    NEED(save(L"create always over.pdf", source(L"create always over.pdf"), CREATE_ALWAYS));
    return 1;
}

static int truncate_existing(void)
{
    NEED(save_old(L"truncate existing.pdf"));
    NEED(save(L"truncate existing.pdf", source(L"truncate existing.pdf"), TRUNCATE_EXISTING));
    return 1;
}

static int create_new_is_refused(void)
{
    NEED(save(L"create new is refused.pdf", source(L"create new is refused.pdf"), CREATE_NEW));
    NEED(opened(L"create new is refused.pdf", GENERIC_WRITE, 0, CREATE_NEW) == INVALID_HANDLE_VALUE);
    NEED(GetLastError() == ERROR_FILE_EXISTS);
    NEED(holds(L"create new is refused.pdf", source(L"create new is refused.pdf")));
    return 1;
}

static int wrong_case(void)
{
    NEED(save_old(L"Wrong Case.pdf"));
    NEED(exists(L"wrong case.PDF"));
    NEED(save(L"WRONG CASE.PDF", source(L"Wrong Case.pdf"), CREATE_ALWAYS));
    NEED(holds(L"wRONG cASE.pdf", source(L"Wrong Case.pdf")));
    return 1;
}

static int delete_and_write_again(void)
{
    NEED(save_old(L"delete and write again.pdf"));
    NEED(DeleteFileW(at(L"delete and write again.pdf")) && !exists(L"delete and write again.pdf"));
    NEED(save(L"delete and write again.pdf", source(L"delete and write again.pdf"), CREATE_NEW));
    return 1;
}

static int times_and_attributes(void)
{
    struct document it = source(L"times and attributes.pdf");
    HANDLE file = opened(L"times and attributes.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    SYSTEMTIME day = {2024, 2, 0, 3, 4, 5, 6, 7};
    FILETIME time;
    NEED(file != INVALID_HANDLE_VALUE && SystemTimeToFileTime(&day, &time));
    NEED(put(file, it.bytes, it.size));
    NEED(SetFileTime(file, &time, &time, &time) && CloseHandle(file));
    NEED(SetFileAttributesW(at(L"times and attributes.pdf"), FILE_ATTRIBUTE_READONLY));
    NEED(SetFileAttributesW(at(L"times and attributes.pdf"), FILE_ATTRIBUTE_NORMAL));
    return 1;
}

/* ---- through another name --------------------------------------------------------------------------------------- */

static int temporary_renamed(void)
{
    NEED(save(L"~renamed.tmp", source(L"temporary renamed.pdf"), CREATE_NEW));
    NEED(MoveFileExW(at(L"~renamed.tmp"), at(L"temporary renamed.pdf"), MOVEFILE_WRITE_THROUGH));
    return 1;
}

static int temporary_renamed_over(void)
{
    NEED(save_old(L"temporary renamed over.pdf"));
    NEED(save(L"~over.tmp", source(L"temporary renamed over.pdf"), CREATE_NEW));
    NEED(MoveFileExW(at(L"~over.tmp"), at(L"temporary renamed over.pdf"), MOVEFILE_REPLACE_EXISTING));
    return 1;
}

static int temporary_renamed_over_empty(void)
{
    HANDLE file = opened(L"temporary renamed over empty.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE && CloseHandle(file));
    NEED(save(L"~empty.tmp", source(L"temporary renamed over empty.pdf"), CREATE_NEW));
    NEED(MoveFileExW(at(L"~empty.tmp"), at(L"temporary renamed over empty.pdf"), MOVEFILE_REPLACE_EXISTING));
    return 1;
}

static int temporary_named_by_the_system(void)
{
    WCHAR temporary[MAX_PATH];
    struct document it = source(L"temporary named by the system.pdf");
    HANDLE file;
    NEED(GetTempFileNameW(drive, L"kng", 0, temporary));
    file = CreateFileW(temporary, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY, NULL);
    NEED(file != INVALID_HANDLE_VALUE);
    NEED(put(file, it.bytes, it.size) && CloseHandle(file));
    NEED(MoveFileW(temporary, at(L"temporary named by the system.pdf")));
    return 1;
}

static int rename_is_refused(void)
{
    NEED(save(L"rename is refused.pdf", source(L"rename is refused.pdf"), CREATE_NEW));
    NEED(save_old(L"~refused.tmp"));
    NEED(!MoveFileW(at(L"~refused.tmp"), at(L"rename is refused.pdf")));
    NEED(GetLastError() == ERROR_ALREADY_EXISTS);
    NEED(DeleteFileW(at(L"~refused.tmp")));
    return 1;
}

static int renamed_after_the_close(void)
{
    NEED(save(L"draft.pdf", source(L"renamed after the close.pdf"), CREATE_NEW));
    NEED(MoveFileW(at(L"draft.pdf"), at(L"renamed after the close.pdf")));
    return 1;
}

/* With the leave to replace: Wine takes two files for one by their inodes, which a FUSE drive has by name. */
static int renamed_in_case(void)
{
    NEED(save(L"renamed in case.pdf", source(L"Renamed In Case.pdf"), CREATE_NEW));
    NEED(MoveFileExW(at(L"renamed in case.pdf"), at(L"Renamed In Case.pdf"), MOVEFILE_REPLACE_EXISTING));
    return 1;
}

static int replace_file(void)
{
    NEED(save_old(L"replace file.pdf"));
    NEED(save(L"~replace.tmp", source(L"replace file.pdf"), CREATE_NEW));
    NEED(ReplaceFileW(at(L"replace file.pdf"), at(L"~replace.tmp"), at(L"replace file.bak"), 0, NULL, NULL));
    NEED(holds(L"replace file.bak", source(L"old.pdf")) && !exists(L"~replace.tmp"));
    return 1;
}

static int replace_file_without_backup(void)
{
    NEED(save_old(L"replace file without backup.pdf"));
    NEED(save(L"~replace2.tmp", source(L"replace file without backup.pdf"), CREATE_NEW));
    NEED(ReplaceFileW(at(L"replace file without backup.pdf"), at(L"~replace2.tmp"), NULL, 0, NULL, NULL));
    return 1;
}

static int set_aside_renamed_deleted(void)
{
    NEED(save_old(L"set aside, renamed, deleted.pdf"));
    NEED(save(L"~WRD0001.tmp", source(L"set aside, renamed, deleted.pdf"), CREATE_NEW));
    NEED(MoveFileW(at(L"set aside, renamed, deleted.pdf"), at(L"~WRL0002.tmp")));
    NEED(MoveFileW(at(L"~WRD0001.tmp"), at(L"set aside, renamed, deleted.pdf")));
    NEED(DeleteFileW(at(L"~WRL0002.tmp")));
    return 1;
}

/* ---- what is not to be sent ------------------------------------------------------------------------------------- */

static int delete_on_close(void)
{
    const WCHAR *names[] = {L"delete on close.tmp", L"delete on close.pdf"};
    struct document old = source(L"old.pdf");
    int turn;
    for (turn = 0; turn < 2; turn++) {
        HANDLE file = CreateFileW(at(names[turn]), GENERIC_READ | GENERIC_WRITE | DELETE, 0, NULL, CREATE_NEW,
                                  FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
        NEED(file != INVALID_HANDLE_VALUE);
        NEED(put(file, old.bytes, old.size) && CloseHandle(file));
        NEED(!exists(names[turn]));
    }
    return 1;
}

static int deleted_after_the_close(void)
{
    NEED(save_old(L"deleted after the close.pdf"));
    NEED(DeleteFileW(at(L"deleted after the close.pdf")));
    return 1;
}

static int folder_of_noise(void)
{
    NEED(CreateDirectoryW(at(L"noise.tmp"), NULL));
    NEED(save_old(L"noise.tmp\\F1.pdf"));
    NEED(!RemoveDirectoryW(at(L"noise.tmp")) && GetLastError() == ERROR_DIR_NOT_EMPTY);
    NEED(DeleteFileW(at(L"noise.tmp\\F1.pdf")) && RemoveDirectoryW(at(L"noise.tmp")));
    return 1;
}

static int empty(void)
{
    HANDLE file = opened(L"empty.pdf", GENERIC_WRITE, 0, CREATE_NEW);
    NEED(file != INVALID_HANDLE_VALUE && CloseHandle(file));
    return 1;
}

static int half(void)
{
    struct document old = source(L"old.pdf");
    old.size /= 2;
    NEED(save(L"half.pdf", old, CREATE_NEW));
    return 1;
}

/* ----------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(void);
} patterns[] = {
#define PATTERN(function) {#function, function}
    PATTERN(king),
    PATTERN(king_prints_again),
    PATTERN(king_prints_live),
    PATTERN(at_once),
    PATTERN(header_patch),
    PATTERN(backwards),
    PATTERN(shrink),
    PATTERN(preallocate),
    PATTERN(size_by_handle),
    PATTERN(truncate_and_rewrite),
    PATTERN(overlapped),
    PATTERN(unbuffered),
    PATTERN(flush_each_piece),
    PATTERN(locked),
    PATTERN(mapping),
    PATTERN(mapping_outlives_its_handle),
    PATTERN(crt_fprintf),
    PATTERN(crt_unbuffered),
    PATTERN(copy_file),
    PATTERN(move_from_another_disk),
    PATTERN(nobody_else_may_open),
    PATTERN(two_handles),
    PATTERN(duplicated_handle),
    PATTERN(reader_keeps_its_handle),
    PATTERN(append),
    PATTERN(create_always_over),
    PATTERN(truncate_existing),
    PATTERN(create_new_is_refused),
    PATTERN(wrong_case),
    PATTERN(delete_and_write_again),
    PATTERN(times_and_attributes),
    PATTERN(temporary_renamed),
    PATTERN(temporary_renamed_over),
    PATTERN(temporary_renamed_over_empty),
    PATTERN(temporary_named_by_the_system),
    PATTERN(rename_is_refused),
    PATTERN(renamed_after_the_close),
    PATTERN(renamed_in_case),
    PATTERN(replace_file),
    PATTERN(replace_file_without_backup),
    PATTERN(set_aside_renamed_deleted),
    PATTERN(delete_on_close),
    PATTERN(deleted_after_the_close),
    PATTERN(folder_of_noise),
    PATTERN(empty),
    PATTERN(half),
};

static int run(const WCHAR *wanted)
{
    size_t number;
    for (number = 0; number < sizeof patterns / sizeof *patterns; number++) {
        WCHAR name[64];
        swprintf(name, 64, L"%hs", patterns[number].name);
        if (wcscmp(name, wanted))
            continue;
        pattern_name = patterns[number].name;
        if (patterns[number].run())
            printf("ok %s\n", pattern_name);
        return 1;
    }
    return 0;
}

int wmain(int count, WCHAR **arguments)
{
    int number;
    if (count < 4)
        return 2;
    drive = arguments[1];
    sources = arguments[2];
    for (number = 3; number < count; number++)
        if (!run(arguments[number])) {
            printf("FAILED %ls: there is no such pattern\n", arguments[number]);
            fflush(stdout);
        }
    printf("done\n");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
