/* A library of Windows that Wine 8 does not have. Rust's standard library, and so cryptography, bcrypt and rpds, takes
 * its random bytes from it.
 *
 * Built with: x86_64-w64-mingw32-gcc -shared -O1 bcryptprimitives.c -o bcryptprimitives.dll -ladvapi32
 */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T size)
{
    return RtlGenRandom(bytes, (ULONG)size);
}
