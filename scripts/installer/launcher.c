/* ingisfs.exe: runs python\python.exe -m ingisfs beside it, with the same arguments, and ends with its exit code. */

#include <windows.h>

#define LONGEST 32768 /* of a path, and of a command line */

static WCHAR program[LONGEST], command[2 * LONGEST];

/* Ctrl+C goes to Python too, which says what happened; we wait for that. */
static BOOL WINAPI leave_it(DWORD event) {
    (void)event;
    return TRUE;
}

/* Return what stands behind the program's name on the command line: quotes count, backslashes do not. */
static const WCHAR *arguments(const WCHAR *line) {
    BOOL quoted = FALSE;
    for (; *line && (quoted || (*line != L' ' && *line != L'\t')); line++)
        if (*line == L'"') quoted = !quoted;
    return line;
}

int wmain(void) {
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    DWORD code = 1, length = GetModuleFileNameW(NULL, program, LONGEST - 32);
    HANDLE job = CreateJobObjectW(NULL, NULL);

    while (length && program[length - 1] != L'\\') length--;
    program[length] = 0;
    lstrcatW(program, L"python\\python.exe");
    lstrcpyW(command, L"\"");
    lstrcatW(command, program);
    lstrcatW(command, L"\" -m ingisfs");
    lstrcatW(command, arguments(GetCommandLineW()));

    /* Who ends us ends Python, but no drive that Python has started. */
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    SetConsoleCtrlHandler(leave_it, TRUE);
    if (!CreateProcessW(program, command, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &start, &process)) {
        static const char wrong[] = "ingisfs: python\\python.exe is missing. Install ingisfs again.\r\n";
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), wrong, sizeof wrong - 1, &length, NULL);
        return 1;
    }
    AssignProcessToJobObject(job, process.hProcess);
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
