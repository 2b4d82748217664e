; The installer, a thin one: it unpacks, renames folders, and has `python -m ingisfs.installing` decide the rest.
; Made by build_installer.py, which defines VERSION, NUMBERS, SIZE, FILES, OUTPUT, and SIGN where there is one.

Target amd64-unicode
!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh

Name "ingisfs ${VERSION}"
OutFile "${OUTPUT}"
InstallDir "$PROGRAMFILES64\ingisfs"
InstallDirRegKey HKLM "Software\ingisfs" "InstallDir"
RequestExecutionLevel admin
AllowSkipFiles off
BrandingText "WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos, github.com/winfsp/winfsp"
VIProductVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "ingisfs"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "ingisfs ${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT License"
!ifdef SIGN
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\ingisfs"
!define NEW "$INSTDIR.ingisfs-new"
!define OLD "$INSTDIR.ingisfs-old"
!define TRIES 20 ; of half a second: a virus scanner holds new files for a moment

!define MUI_ABORTWARNING
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "Dutch"
!insertmacro MUI_LANGUAGE "English"

LangString CODE ${LANG_DUTCH} "nl"
LangString CODE ${LANG_ENGLISH} "en"
LangString SETUP ${LANG_DUTCH} "ingisfs instellen"
LangString SETUP ${LANG_ENGLISH} "Set ingisfs up"
LangString STATUS ${LANG_DUTCH} "Status"
LangString STATUS ${LANG_ENGLISH} "Status"
LangString ICON ${LANG_DUTCH} "Pictogram bij de klok"
LangString ICON ${LANG_ENGLISH} "Icon beside the clock"
LangString DOCUMENTATION ${LANG_DUTCH} "Documentatie"
LangString DOCUMENTATION ${LANG_ENGLISH} "Documentation"
LangString ADMINISTRATOR ${LANG_DUTCH} "Start het installatieprogramma als beheerder. Er is niets veranderd."
LangString ADMINISTRATOR ${LANG_ENGLISH} "Start the installer as an administrator. Nothing was changed."

LangString ALONE ${LANG_DUTCH} "ingisfs wordt al geïnstalleerd of verwijderd. Er is niets veranderd."
LangString ALONE ${LANG_ENGLISH} "ingisfs is being installed or removed already. Nothing was changed."

Var Previous
Var Code
Var Told
Var Tries

; Run a step with the Python of one of the folders; $Code is its exit code, $Told what it printed.
!macro Step FOLDER ARGUMENTS
  nsExec::ExecToStack '"${FOLDER}\python\python.exe" -m ingisfs.installing ${ARGUMENTS} --program "$INSTDIR" --language $(CODE) --icon "$SMPROGRAMS\ingisfs\$(ICON).lnk" --log "$TEMP\ingisfs-setup.log"'
  Pop $Code
  Pop $Told
  ${If} $Code == "error"
  ${OrIf} $Code == "timeout"
    StrCpy $Code 1
    StrCpy $Told "python.exe: error"
  ${EndIf}
!macroend
!define Step "!insertmacro Step"

; One at a time; the system takes the mutex away with this process.
!macro NeedToBeAlone
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Global\ingisfs-setup") p .r1 ?e'
  Pop $0
  ${If} $0 = 183 ; ERROR_ALREADY_EXISTS
    MessageBox MB_OK|MB_ICONSTOP "$(ALONE)" /SD IDOK
    SetErrorLevel 3
    Quit
  ${EndIf}
!macroend

!macro NeedAdministrator
  UserInfo::GetAccountType
  Pop $0
  ${If} $0 != "Admin"
    MessageBox MB_OK|MB_ICONSTOP "$(ADMINISTRATOR)" /SD IDOK
    SetErrorLevel 5
    Quit
  ${EndIf}
!macroend

; Rename a folder, and try it for a while; the error flag tells that it did not work.
!macro RenameFolder FROM TO
  StrCpy $Tries 0
  ${Do}
    ClearErrors
    Rename "${FROM}" "${TO}"
    ${IfNot} ${Errors}
      ${ExitDo}
    ${EndIf}
    IntOp $Tries $Tries + 1
    ${If} $Tries >= ${TRIES}
      SetErrors
      ${ExitDo}
    ${EndIf}
    Sleep 500
  ${Loop}
!macroend

; Remove what an installation put into a folder, and the folder if nothing else is in it.
!macro RemoveProgram FOLDER
  RMDir /r "${FOLDER}\python"
  RMDir /r "${FOLDER}\licenses"
  RMDir /r "${FOLDER}\docs"
  Delete "${FOLDER}\ingisfs.exe"
  Delete "${FOLDER}\sbom.cdx.json"
  Delete "${FOLDER}\ran.json"
  Delete "${FOLDER}\uninstall.exe"
  Delete "${FOLDER}\installed.json"
  RMDir "${FOLDER}"
!macroend

Function .onInit
  SetRegView 64
  SetShellVarContext all
  !insertmacro NeedAdministrator
  !insertmacro NeedToBeAlone
FunctionEnd

Section
  SetRegView 64
  SetShellVarContext all
  ReadRegStr $Previous HKLM "Software\ingisfs" "InstallDir"

  ; What an installation that was interrupted left behind.
  !insertmacro RemoveProgram "${NEW}"
  ${IfNot} ${FileExists} "$INSTDIR\installed.json"
  ${AndIf} ${FileExists} "${OLD}\installed.json"
    RMDir "$INSTDIR"
    Rename "${OLD}" "$INSTDIR"
  ${Else}
    !insertmacro RemoveProgram "${OLD}"
  ${EndIf}

  !include "${FILES}"
  SetOutPath "${NEW}"
  WriteUninstaller "${NEW}\uninstall.exe"
  ; A folder that a process is in cannot be renamed; and from one that users may write, Windows would start their programs.
  SetOutPath "$SYSDIR"

  ${Step} "${NEW}" 'before --version "${VERSION}" --previous "$Previous" --note "${NEW}\ran.json"'
  ${If} $Code != 0
    !insertmacro RemoveProgram "${NEW}"
    MessageBox MB_OK|MB_ICONSTOP "$Told" /SD IDOK
    SetErrorLevel $Code
    Quit
  ${EndIf}

  ClearErrors
  ${If} ${FileExists} "$INSTDIR\*.*"
    !insertmacro RenameFolder "$INSTDIR" "${OLD}"
  ${EndIf}
  ${IfNot} ${Errors}
    !insertmacro RenameFolder "${NEW}" "$INSTDIR"
    ${If} ${Errors}
      Rename "${OLD}" "$INSTDIR"
      SetErrors
    ${EndIf}
  ${EndIf}
  ${If} ${Errors}
    ${Step} "${NEW}" 'cannot-replace --note "${NEW}\ran.json"'
    !insertmacro RemoveProgram "${NEW}"
    MessageBox MB_OK|MB_ICONSTOP "$Told" /SD IDOK
    SetErrorLevel 3
    Quit
  ${EndIf}

  WriteRegStr HKLM "Software\ingisfs" "InstallDir" "$INSTDIR"
  WriteRegStr HKLM "${KEY}" "DisplayName" "ingisfs"
  WriteRegStr HKLM "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${KEY}" "Publisher" "The ingisfs developers"
  WriteRegStr HKLM "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${KEY}" "DisplayIcon" "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${KEY}" "EstimatedSize" ${SIZE}
  WriteRegDWORD HKLM "${KEY}" "NoModify" 1
  WriteRegDWORD HKLM "${KEY}" "NoRepair" 1

  RMDir /r "$SMPROGRAMS\ingisfs"
  CreateDirectory "$SMPROGRAMS\ingisfs"
  SetOutPath "$INSTDIR" ; where shortcuts start
  CreateShortcut "$SMPROGRAMS\ingisfs\$(SETUP).lnk" "$SYSDIR\cmd.exe" '/k ""$INSTDIR\ingisfs.exe" setup --machine"' "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\ingisfs\$(STATUS).lnk" "$SYSDIR\cmd.exe" '/k ""$INSTDIR\ingisfs.exe" status"' "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\ingisfs\$(ICON).lnk" "$INSTDIR\python\pythonw.exe" "-m ingisfs tray" "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\ingisfs\$(DOCUMENTATION).lnk" "$INSTDIR\docs"
  SetOutPath "$SYSDIR"

  ${Step} "$INSTDIR" 'after --note "$INSTDIR\ran.json" --beside "$EXEDIR\." --shortcut "$SMPROGRAMS\ingisfs\$(SETUP).lnk"'
  !insertmacro RemoveProgram "${OLD}"
  ${If} $Told != ""
    DetailPrint "$Told"
    MessageBox MB_OK|MB_ICONINFORMATION "$Told" /SD IDOK
  ${EndIf}
  SetErrorLevel 0
  ${If} $Code != 0
    SetErrorLevel 4
  ${EndIf}
SectionEnd

Function .onInstFailed
  !insertmacro RemoveProgram "${NEW}"
FunctionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
  !insertmacro NeedAdministrator
  !insertmacro NeedToBeAlone
  ${IfNot} ${FileExists} "$INSTDIR\installed.json"
    SetErrorLevel 2
    Quit
  ${EndIf}
FunctionEnd

Section Uninstall
  SetRegView 64
  SetShellVarContext all
  SetOutPath "$SYSDIR"
  ${Step} "$INSTDIR" 'remove'
  ${If} $Code != 0
    MessageBox MB_OK|MB_ICONSTOP "$Told" /SD IDOK
    SetErrorLevel $Code
    Quit
  ${EndIf}
  !insertmacro RemoveProgram "$INSTDIR"
  !insertmacro RemoveProgram "${NEW}"
  !insertmacro RemoveProgram "${OLD}"
  RMDir /r "$SMPROGRAMS\ingisfs"
  DeleteRegKey HKLM "${KEY}"
  DeleteRegKey HKLM "Software\ingisfs"
  ${If} $Told != ""
    DetailPrint "$Told"
    MessageBox MB_OK|MB_ICONINFORMATION "$Told" /SD IDOK
  ${EndIf}
  SetErrorLevel 0
SectionEnd
