/* A stand-in for WinFsp's library, with the functions that winfspy's compiled bindings want to find in it.
 *
 * Written from WinFsp's public documentation of its functions; nothing of it was copied. The file systems that are made
 * are only remembered, for tests to ask for. Callbacks come as from the real one, on threads of this library's own:
 * `ingisfs_call` hands one to the dispatcher's threads and waits for its answer. What is not needed ends the process.
 *
 * Built with: x86_64-w64-mingw32-gcc -shared -O1 winfsp_stub.c -o winfsp-x64.dll
 */

#define WIN32_LEAN_AND_MEAN
#define _WIN32_WINNT 0x0A00
#include <windows.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define EXPORT __declspec(dllexport)
#define THREADS 4 /* of a dispatcher */
#define ARGUMENTS 10 /* the most that a callback has */
#define VERSION 0x00020002 /* 2.2 */
#define PARAMETERS 504 /* bytes */
#define FILE_SYSTEM 792 /* bytes */

typedef LONG status;

/* The first two members of what winfspy sees of a file system; the rest is the library's own. */
struct file_system {
    UINT16 version;
    void *user_context;
    BYTE opaque[FILE_SYSTEM - 16];
};

typedef UINT64 (*callback)(UINT64, UINT64, UINT64, UINT64, UINT64, UINT64, UINT64, UINT64, UINT64, UINT64);

struct call {
    callback function;
    const UINT64 *arguments;
    UINT64 answer;
    HANDLE done;
    struct call *next;
};

struct known {
    struct file_system *file_system;
    const void *interface;
    BYTE parameters[PARAMETERS];
    WCHAR device[64], mountpoint[MAX_PATH];
    HANDLE threads[THREADS], work;
    struct call *first;
    BOOL running;
    struct known *next;
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct known *all;
static status refusals[3]; /* of create, set mount point, start dispatcher */

static struct known *find(const struct file_system *file_system)
{
    struct known *each = all;
    while (each && each->file_system != file_system)
        each = each->next;
    return each;
}

/* ---- what winfspy calls ----------------------------------------------------------------------------------------- */

EXPORT status FspVersion(UINT32 *version)
{
    *version = VERSION;
    return 0;
}

EXPORT status FspFileSystemCreate(const WCHAR *device, const void *parameters, const void *interface,
                                  struct file_system **out)
{
    struct known *made = calloc(1, sizeof *made);
    made->file_system = calloc(1, sizeof *made->file_system);
    made->file_system->version = sizeof *made->file_system;
    made->interface = interface;
    memcpy(made->parameters, parameters, PARAMETERS);
    wcsncpy(made->device, device, 63);
    AcquireSRWLockExclusive(&lock);
    made->next = all;
    all = made;
    ReleaseSRWLockExclusive(&lock);
    *out = made->file_system;
    return refusals[0];
}

EXPORT void FspFileSystemDelete(struct file_system *file_system)
{
    struct known **place = &all, *gone;
    AcquireSRWLockExclusive(&lock);
    while (*place && (*place)->file_system != file_system)
        place = &(*place)->next;
    gone = *place;
    if (gone)
        *place = gone->next;
    ReleaseSRWLockExclusive(&lock);
    free(gone);
    free(file_system);
}

EXPORT status FspFileSystemSetMountPoint(struct file_system *file_system, const WCHAR *mountpoint)
{
    struct known *it = find(file_system);
    struct known *each;
    for (each = all; each; each = each->next)
        if (each != it && !_wcsicmp(each->mountpoint, mountpoint))
            return (status)0xC0000035; /* STATUS_OBJECT_NAME_COLLISION */
    wcsncpy(it->mountpoint, mountpoint, MAX_PATH - 1);
    return refusals[1];
}

EXPORT void FspFileSystemRemoveMountPoint(struct file_system *file_system)
{
    find(file_system)->mountpoint[0] = 0;
}

static DWORD WINAPI serve(void *argument)
{
    struct known *it = argument;
    for (;;) {
        struct call *call;
        const UINT64 *a;
        WaitForSingleObject(it->work, INFINITE);
        AcquireSRWLockExclusive(&lock);
        call = it->first;
        if (call)
            it->first = call->next;
        ReleaseSRWLockExclusive(&lock);
        if (!call)
            return 0; /* woken with nothing to do: the dispatcher stops */
        a = call->arguments;
        call->answer = call->function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
        SetEvent(call->done);
    }
}

EXPORT status FspFileSystemStartDispatcher(struct file_system *file_system, ULONG count)
{
    struct known *it = find(file_system);
    int number;
    (void)count;
    if (refusals[2])
        return refusals[2];
    it->work = CreateSemaphoreW(NULL, 0, 1 << 20, NULL);
    for (number = 0; number < THREADS; number++)
        it->threads[number] = CreateThread(NULL, 0, serve, it, 0, NULL);
    it->running = TRUE;
    return 0;
}

EXPORT void FspFileSystemStopDispatcher(struct file_system *file_system)
{
    struct known *it = find(file_system);
    int number;
    if (!it->running)
        return;
    it->running = FALSE;
    ReleaseSemaphore(it->work, THREADS, NULL);
    WaitForMultipleObjects(THREADS, it->threads, TRUE, INFINITE);
    for (number = 0; number < THREADS; number++)
        CloseHandle(it->threads[number]);
    CloseHandle(it->work);
}

/* One entry of a listing into a buffer, each at a multiple of 8; none means that these were all. */
EXPORT BOOLEAN FspFileSystemAddDirInfo(const void *entry, void *buffer, ULONG length, ULONG *used)
{
    static const UINT16 end = 0;
    UINT16 size = sizeof end;
    if (entry)
        memcpy(&size, entry, sizeof size);
    if (*used + size > length)
        return FALSE;
    memcpy((BYTE *)buffer + *used, entry ? entry : &end, size);
    *used += entry ? (size + 7u) / 8u * 8u : size;
    if (*used > length)
        *used = length;
    return TRUE;
}

EXPORT void FspDebugLogSetHandle(HANDLE handle)
{
    (void)handle;
}

EXPORT void FspFileSystemSetDebugLogF(struct file_system *file_system, UINT32 level)
{
    (void)file_system;
    (void)level;
}

/* ---- what tests ask for ----------------------------------------------------------------------------------------- */

/* Return the file system that runs at a mountpoint, NULL if none does. */
EXPORT struct file_system *ingisfs_started(const WCHAR *mountpoint)
{
    struct known *each;
    for (each = all; each; each = each->next)
        if (each->running && !_wcsicmp(each->mountpoint, mountpoint))
            return each->file_system;
    return NULL;
}

EXPORT const void *ingisfs_interface(const struct file_system *file_system)
{
    return find(file_system)->interface;
}

EXPORT const WCHAR *ingisfs_device(const struct file_system *file_system)
{
    return find(file_system)->device;
}

/* The parameters as winfspy packed them, PARAMETERS bytes. */
EXPORT const void *ingisfs_parameters(const struct file_system *file_system)
{
    return find(file_system)->parameters;
}

/* Have one of the three functions that start a file system end with a status. */
EXPORT void ingisfs_refuse(int function, status answer)
{
    refusals[function] = answer;
}

/* Have one of the dispatcher's threads call a callback with ARGUMENTS arguments, and return what it answers. */
EXPORT UINT64 ingisfs_call(struct file_system *file_system, callback function, const UINT64 *arguments)
{
    struct known *it = find(file_system);
    struct call call = {function, arguments, 0, CreateEventW(NULL, TRUE, FALSE, NULL), NULL}, **place;
    AcquireSRWLockExclusive(&lock);
    for (place = &it->first; *place; place = &(*place)->next)
        ;
    *place = &call;
    ReleaseSRWLockExclusive(&lock);
    ReleaseSemaphore(it->work, 1, NULL);
    WaitForSingleObject(call.done, INFINITE);
    CloseHandle(call.done);
    return call.answer;
}

/* ---- what nobody calls ------------------------------------------------------------------------------------------ */

#define NOT_HERE(name)                                                                                                 \
    EXPORT void name(void)                                                                                             \
    {                                                                                                                  \
        fprintf(stderr, "%s is not in this stand-in for WinFsp\n", #name);                                             \
        exit(99);                                                                                                      \
    }

NOT_HERE(FspAccessCheckEx)
NOT_HERE(FspCallNamedPipeSecurely)
NOT_HERE(FspCreateSecurityDescriptor)
NOT_HERE(FspDebugLog)
NOT_HERE(FspDebugLogFT)
NOT_HERE(FspDebugLogRequest)
NOT_HERE(FspDebugLogResponse)
NOT_HERE(FspDebugLogSD)
NOT_HERE(FspDebugLogSid)
NOT_HERE(FspDeleteSecurityDescriptor)
NOT_HERE(FspDeleteSid)
NOT_HERE(FspEventLog)
NOT_HERE(FspFileSystemAcquireDirectoryBuffer)
NOT_HERE(FspFileSystemAddStreamInfo)
NOT_HERE(FspFileSystemCanReplaceReparsePoint)
NOT_HERE(FspFileSystemDeleteDirectoryBuffer)
NOT_HERE(FspFileSystemEnterOperationF)
NOT_HERE(FspFileSystemFillDirectoryBuffer)
NOT_HERE(FspFileSystemFindReparsePoint)
NOT_HERE(FspFileSystemGetDispatcherResultF)
NOT_HERE(FspFileSystemGetOperationContext)
NOT_HERE(FspFileSystemIsOperationCaseSensitiveF)
NOT_HERE(FspFileSystemLeaveOperationF)
NOT_HERE(FspFileSystemMountPointF)
NOT_HERE(FspFileSystemOpCleanup)
NOT_HERE(FspFileSystemOpClose)
NOT_HERE(FspFileSystemOpCreate)
NOT_HERE(FspFileSystemOpEnter)
NOT_HERE(FspFileSystemOpFileSystemControl)
NOT_HERE(FspFileSystemOpFlushBuffers)
NOT_HERE(FspFileSystemOpLeave)
NOT_HERE(FspFileSystemOpOverwrite)
NOT_HERE(FspFileSystemOpQueryDirectory)
NOT_HERE(FspFileSystemOpQueryInformation)
NOT_HERE(FspFileSystemOpQuerySecurity)
NOT_HERE(FspFileSystemOpQueryStreamInformation)
NOT_HERE(FspFileSystemOpQueryVolumeInformation)
NOT_HERE(FspFileSystemOpRead)
NOT_HERE(FspFileSystemOpSetInformation)
NOT_HERE(FspFileSystemOpSetSecurity)
NOT_HERE(FspFileSystemOpSetVolumeInformation)
NOT_HERE(FspFileSystemOpWrite)
NOT_HERE(FspFileSystemOperationProcessIdF)
NOT_HERE(FspFileSystemPreflight)
NOT_HERE(FspFileSystemReadDirectoryBuffer)
NOT_HERE(FspFileSystemReleaseDirectoryBuffer)
NOT_HERE(FspFileSystemResolveReparsePoints)
NOT_HERE(FspFileSystemSendResponse)
NOT_HERE(FspFileSystemSetDispatcherResultF)
NOT_HERE(FspFileSystemSetMountPointEx)
NOT_HERE(FspFileSystemSetOperationF)
NOT_HERE(FspFileSystemSetOperationGuardF)
NOT_HERE(FspFileSystemSetOperationGuardStrategyF)
NOT_HERE(FspGetFileGenericMapping)
NOT_HERE(FspNtStatusFromWin32)
NOT_HERE(FspPathCombine)
NOT_HERE(FspPathPrefix)
NOT_HERE(FspPathSuffix)
NOT_HERE(FspPosixDecodeWindowsPath)
NOT_HERE(FspPosixDeletePath)
NOT_HERE(FspPosixEncodeWindowsPath)
NOT_HERE(FspPosixMapPermissionsToSecurityDescriptor)
NOT_HERE(FspPosixMapPosixToWindowsPathEx)
NOT_HERE(FspPosixMapSecurityDescriptorToPermissions)
NOT_HERE(FspPosixMapSidToUid)
NOT_HERE(FspPosixMapUidToSid)
NOT_HERE(FspPosixMapWindowsToPosixPathEx)
NOT_HERE(FspServiceAcceptControl)
NOT_HERE(FspServiceAllowConsoleMode)
NOT_HERE(FspServiceContextCheck)
NOT_HERE(FspServiceCreate)
NOT_HERE(FspServiceDelete)
NOT_HERE(FspServiceGetExitCode)
NOT_HERE(FspServiceIsInteractive)
NOT_HERE(FspServiceLog)
NOT_HERE(FspServiceLoop)
NOT_HERE(FspServiceRequestTime)
NOT_HERE(FspServiceRunEx)
NOT_HERE(FspServiceSetExitCode)
NOT_HERE(FspServiceStop)
NOT_HERE(FspSetSecurityDescriptor)
NOT_HERE(FspWin32FromNtStatus)
