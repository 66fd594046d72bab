<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en">
<context>
    <name>Activity</name>
    <message>
        <source>just now</source>
        <translation>gerade eben</translation>
    </message>
    <message>
        <source>{number} min ago</source>
        <translation>vor {number} min</translation>
    </message>
    <message>
        <source>{number} h ago</source>
        <translation>vor {number} h</translation>
    </message>
    <message>
        <source>{number} d ago</source>
        <translation>vor {number} d</translation>
    </message>
    <message>
        <source>d MMM yyyy</source>
        <translation>d. MMM yyyy</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>in {time}</source>
        <translation>in {time}</translation>
    </message>
    <message>
        <source>{number} min</source>
        <translation>{number} min</translation>
    </message>
    <message>
        <source>{number} h</source>
        <translation>{number} h</translation>
    </message>
    <message>
        <source>{number} d</source>
        <translation>{number} d</translation>
    </message>
    <message>
        <source>ddd d MMM yyyy HH:mm:ss</source>
        <translation>ddd d. MMM yyyy HH:mm:ss</translation>
    </message>
    <message>
        <source>every day</source>
        <translation>jeden Tag</translation>
    </message>
    <message>
        <source>every {number} days</source>
        <translation>alle {number} Tage</translation>
    </message>
    <message>
        <source>every hour</source>
        <translation>jede Stunde</translation>
    </message>
    <message>
        <source>every {number} hours</source>
        <translation>alle {number} Stunden</translation>
    </message>
    <message>
        <source>every minute</source>
        <translation>jede Minute</translation>
    </message>
    <message>
        <source>every {number} minutes</source>
        <translation>alle {number} Minuten</translation>
    </message>
    <message>
        <source>every {time}</source>
        <translation>alle {time}</translation>
    </message>
    <message>
        <source>Now</source>
        <translation>Jetzt</translation>
    </message>
    <message>
        <source>Waiting</source>
        <comment>segment</comment>
        <translation>Wartend</translation>
    </message>
    <message>
        <source>Failed</source>
        <comment>segment</comment>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Done</source>
        <comment>segment</comment>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Nothing is running</source>
        <translation>Es läuft nichts</translation>
    </message>
    <message>
        <source>Answers, tasks of modules and maintenance are shown here while they are at work.</source>
        <translation>Antworten, Aufgaben von Modulen und Wartung stehen hier, während sie laufen.</translation>
    </message>
    <message>
        <source>Nothing waits</source>
        <translation>Es wartet nichts</translation>
    </message>
    <message>
        <source>What is queued, waits for its time or is tried again is shown here.</source>
        <translation>Was eingereiht ist, auf seine Zeit wartet oder erneut versucht wird, steht hier.</translation>
    </message>
    <message>
        <source>Nothing failed</source>
        <translation>Nichts ist fehlgeschlagen</translation>
    </message>
    <message>
        <source>What went wrong is shown here, with the reason and a way to do it again.</source>
        <translation>Was schiefging, steht hier, mit dem Grund und einem Weg, es zu wiederholen.</translation>
    </message>
    <message>
        <source>Nothing is done yet</source>
        <translation>Noch ist nichts erledigt</translation>
    </message>
    <message>
        <source>What ended well, or was cancelled, is kept here for a while.</source>
        <translation>Was gut endete oder abgebrochen wurde, steht hier eine Weile.</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
    <message>
        <source>Title of a chat</source>
        <translation>Titel eines Chats</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>Aufgabe</translation>
    </message>
    <message>
        <source>Maintenance</source>
        <translation>Wartung</translation>
    </message>
    <message>
        <source>Backup</source>
        <translation>Sicherung</translation>
    </message>
    <message>
        <source>Answer a question</source>
        <translation>Eine Frage beantworten</translation>
    </message>
    <message>
        <source>Medical analysis</source>
        <translation>Medizinische Analyse</translation>
    </message>
    <message>
        <source>Question to a database</source>
        <translation>Frage an eine Datenbank</translation>
    </message>
    <message>
        <source>Code analysis</source>
        <translation>Code-Analyse</translation>
    </message>
    <message>
        <source>Check the MCP servers</source>
        <translation>MCP-Server prüfen</translation>
    </message>
    <message>
        <source>Read the MCP configuration again</source>
        <translation>MCP-Konfiguration neu lesen</translation>
    </message>
    <message>
        <source>Tidy up and make the daily copy</source>
        <translation>Aufräumen und täglich sichern</translation>
    </message>
    <message>
        <source>Add up what models used and cost</source>
        <translation>Zusammenzählen, was Modelle kosteten</translation>
    </message>
    <message>
        <source>Begin what is due</source>
        <translation>Fälliges beginnen</translation>
    </message>
    <message>
        <source>Export of all chats</source>
        <translation>Export aller Chats</translation>
    </message>
    <message>
        <source>Import of chats</source>
        <translation>Import von Chats</translation>
    </message>
    <message>
        <source>Title, summary and tags</source>
        <translation>Titel, Zusammenfassung und Schlagwörter</translation>
    </message>
    <message>
        <source>Add missing summaries</source>
        <translation>Fehlende Zusammenfassungen ergänzen</translation>
    </message>
    <message>
        <source>Remove old drafts</source>
        <translation>Alte Entwürfe entfernen</translation>
    </message>
    <message>
        <source>Answer in a chat without a title</source>
        <translation>Antwort in einem Chat ohne Titel</translation>
    </message>
    <message>
        <source>Title for “{title}”</source>
        <translation>Titel für „{title}“</translation>
    </message>
    <message>
        <source>Title for a chat</source>
        <translation>Titel für einen Chat</translation>
    </message>
    <message>
        <source>Copy of the database</source>
        <translation>Kopie der Datenbank</translation>
    </message>
    <message>
        <source>Module {name}</source>
        <translation>Modul {name}</translation>
    </message>
    <message>
        <source>Schedule “{name}”</source>
        <translation>Zeitplan „{name}“</translation>
    </message>
    <message>
        <source>From the chat “{title}”</source>
        <translation>Aus dem Chat „{title}“</translation>
    </message>
    <message>
        <source>Asked in the chat</source>
        <translation>Im Chat gefragt</translation>
    </message>
    <message>
        <source>Quick ask</source>
        <translation>Schnellfrage</translation>
    </message>
    <message>
        <source>Command line</source>
        <translation>Kommandozeile</translation>
    </message>
    <message>
        <source>Another program</source>
        <translation>Ein anderes Programm</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>Zeitplan</translation>
    </message>
    <message>
        <source>A module</source>
        <translation>Ein Modul</translation>
    </message>
    <message>
        <source>Nagatha itself</source>
        <translation>Nagatha selbst</translation>
    </message>
    <message>
        <source>Retry {time}</source>
        <translation>Erneut {time}</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>Erneut</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>Wartet</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>Abgebrochen</translation>
    </message>
    <message>
        <source>Interrupted</source>
        <translation>Unterbrochen</translation>
    </message>
    <message>
        <source>{number} attempts</source>
        <translation>{number} Versuche</translation>
    </message>
    <message>
        <source>queued {time}</source>
        <translation>eingereiht {time}</translation>
    </message>
    <message>
        <source>begins {time}</source>
        <translation>beginnt {time}</translation>
    </message>
    <message>
        <source>after the step before</source>
        <translation>nach Schritt davor</translation>
    </message>
    <message>
        <source>began {time}</source>
        <translation>begann {time}</translation>
    </message>
    <message>
        <source>never begun</source>
        <translation>nie begonnen</translation>
    </message>
    <message>
        <source>took {time}</source>
        <translation>dauerte {time}</translation>
    </message>
    <message>
        <source>at work for {time}</source>
        <translation>läuft seit {time}</translation>
    </message>
    <message>
        <source>… (cut after {number} characters)</source>
        <translation>… (nach {number} Zeichen gekürzt)</translation>
    </message>
    <message>
        <source>What</source>
        <translation>Was</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Why</source>
        <translation>Warum</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Attempts</source>
        <translation>Versuche</translation>
    </message>
    <message>
        <source>Queued</source>
        <translation>Eingereiht</translation>
    </message>
    <message>
        <source>Begun</source>
        <translation>Begonnen</translation>
    </message>
    <message>
        <source>Ended</source>
        <translation>Beendet</translation>
    </message>
    <message>
        <source>Took</source>
        <translation>Dauer</translation>
    </message>
    <message>
        <source>Not before</source>
        <translation>Nicht vor</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Priority</source>
        <translation>Vorrang</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>Stapel</translation>
    </message>
    <message>
        <source>After</source>
        <translation>Nach</translation>
    </message>
    <message>
        <source>Number</source>
        <translation>Nummer</translation>
    </message>
    <message>
        <source>at once</source>
        <translation>sofort</translation>
    </message>
    <message>
        <source>from the queue</source>
        <translation>aus der Warteschlange</translation>
    </message>
    <message>
        <source>HH:mm:ss</source>
        <translation>HH:mm:ss</translation>
    </message>
</context>
<context>
    <name>ActivityWindow</name>
    <message>
        <source>Activity – Nagatha</source>
        <translation>Aktivität – Nagatha</translation>
    </message>
    <message>
        <source>Cancel “{what}”?</source>
        <translation>„{what}“ abbrechen?</translation>
    </message>
    <message>
        <source>Let it go on</source>
        <translation>Weiterlaufen lassen</translation>
    </message>
    <message>
        <source>Cancel it</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>“{what}” is queued.</source>
        <translation>„{what}“ ist eingereiht.</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
</context>
<context>
    <name>Alerts</name>
    <message>
        <source>Nagatha is still running</source>
        <translation>Nagatha läuft weiter</translation>
    </message>
    <message>
        <source>It waits in the tray. Quit it from the menu there.</source>
        <translation>Es wartet im Infobereich. Beenden lässt es sich über das Menü dort.</translation>
    </message>
</context>
<context>
    <name>AllowedTool</name>
    <message>
        <source>Revoke</source>
        <translation>Widerrufen</translation>
    </message>
    <message>
        <source>Ask about “{tool}” again</source>
        <translation>Bei „{tool}“ wieder fragen</translation>
    </message>
</context>
<context>
    <name>AllowedTools</name>
    <message>
        <source>Looking …</source>
        <translation>Suche läuft …</translation>
    </message>
    <message>
        <source>They could not be read</source>
        <translation>Sie konnten nicht gelesen werden</translation>
    </message>
    <message>
        <source>These run without asking</source>
        <translation>Diese laufen ohne Rückfrage</translation>
    </message>
    <message>
        <source>You chose “Always for this tool” for them.</source>
        <translation>Für sie wurde „Immer für dieses Werkzeug“ gewählt.</translation>
    </message>
    <message>
        <source>None so far</source>
        <translation>Bisher keine</translation>
    </message>
    <message>
        <source>A tool stands here once you choose “Always for this tool” on its card.</source>
        <translation>Ein Werkzeug steht hier, sobald auf seiner Karte „Immer für dieses Werkzeug“ gewählt wurde.</translation>
    </message>
</context>
<context>
    <name>ApprovalBar</name>
    <message>
        <source>Approvals</source>
        <translation>Freigaben</translation>
    </message>
</context>
<context>
    <name>ApprovalCard</name>
    <message>
        <source>{days} d {hours} h</source>
        <translation>{days} T {hours} h</translation>
    </message>
    <message>
        <source>Allowed once</source>
        <translation>Einmal erlaubt</translation>
    </message>
    <message>
        <source>You allowed this call.</source>
        <translation>Dieser Aufruf wurde erlaubt.</translation>
    </message>
    <message>
        <source>Allowed always</source>
        <translation>Immer erlaubt</translation>
    </message>
    <message>
        <source>This tool is not asked about any more. Settings › Data and privacy takes it back.</source>
        <translation>Bei diesem Werkzeug wird nicht mehr gefragt. Unter Einstellungen › Daten und Privatsphäre lässt sich das widerrufen.</translation>
    </message>
    <message>
        <source>Denied</source>
        <translation>Abgelehnt</translation>
    </message>
    <message>
        <source>You said instead: {text}</source>
        <translation>Stattdessen: {text}</translation>
    </message>
    <message>
        <source>The tool was not called.</source>
        <translation>Das Werkzeug wurde nicht aufgerufen.</translation>
    </message>
    <message>
        <source>Expired</source>
        <translation>Verfallen</translation>
    </message>
    <message>
        <source>What asked for it ended meanwhile. The tool was not called, and there is nothing left to answer.</source>
        <translation>Was danach fragte, ist inzwischen beendet. Das Werkzeug wurde nicht aufgerufen, und es gibt nichts mehr zu beantworten.</translation>
    </message>
    <message>
        <source>Allow once</source>
        <translation>Einmal erlauben</translation>
    </message>
    <message>
        <source>Always for this tool</source>
        <translation>Immer für dieses Werkzeug</translation>
    </message>
    <message>
        <source>Deny</source>
        <translation>Ablehnen</translation>
    </message>
    <message>
        <source>Do this instead …</source>
        <translation>Stattdessen Folgendes tun …</translation>
    </message>
    <message>
        <source>What to do instead of “{tool}”; Enter denies and says so</source>
        <translation>Was statt „{tool}“ getan werden soll; Enter lehnt ab und sagt es</translation>
    </message>
    <message>
        <source>waits for your answer</source>
        <translation>wartet auf Antwort</translation>
    </message>
    <message>
        <source>Approval, {tool}: {state}</source>
        <translation>Freigabe, {tool}: {state}</translation>
    </message>
    <message>
        <source>waits {time}</source>
        <translation>wartet {time}</translation>
    </message>
    <message>
        <source>Hide details</source>
        <translation>Einzelheiten ausblenden</translation>
    </message>
    <message>
        <source>Show details</source>
        <translation>Einzelheiten zeigen</translation>
    </message>
    <message>
        <source>Asked with: {tool}</source>
        <translation>Gefragt mit: {tool}</translation>
    </message>
</context>
<context>
    <name>ApprovalNews</name>
    <message>
        <source>Approval needed: {tool}</source>
        <translation>Freigabe nötig: {tool}</translation>
    </message>
    <message>
        <source>Allow once</source>
        <translation>Einmal erlauben</translation>
    </message>
    <message>
        <source>Deny</source>
        <translation>Ablehnen</translation>
    </message>
    <message>
        <source>A call of a tool waits for your approval</source>
        <translation>Ein Aufruf eines Werkzeugs wartet auf eine Freigabe</translation>
    </message>
    <message>
        <source>{number} calls of tools wait for your approval</source>
        <translation>{number} Aufrufe von Werkzeugen warten auf eine Freigabe</translation>
    </message>
    <message>
        <source>Nothing is allowed by itself.</source>
        <translation>Nichts wird von selbst erlaubt.</translation>
    </message>
</context>
<context>
    <name>ArgumentForm</name>
    <message>
        <source>This task takes no arguments.</source>
        <translation>Diese Aufgabe nimmt keine Argumente.</translation>
    </message>
    <message>
        <source>Left out</source>
        <translation>Weggelassen</translation>
    </message>
    <message>
        <source>As JSON</source>
        <translation>Als JSON</translation>
    </message>
    <message>
        <source>Left out, or JSON</source>
        <translation>Weggelassen, oder JSON</translation>
    </message>
</context>
<context>
    <name>Attachments</name>
    <message>
        <source>Pasted picture</source>
        <translation>Eingefügtes Bild</translation>
    </message>
    <message>
        <source>Too many files</source>
        <translation>Zu viele Dateien</translation>
    </message>
    <message>
        <source>A message may have {number} files.</source>
        <translation>Eine Nachricht darf {number} Dateien haben.</translation>
    </message>
</context>
<context>
    <name>Bridge</name>
    <message>
        <source>Something went wrong inside Nagatha</source>
        <translation>In Nagatha ist etwas schiefgegangen</translation>
    </message>
    <message>
        <source>Try again. The log says more.</source>
        <translation>Erneut versuchen. Mehr steht im Protokoll.</translation>
    </message>
</context>
<context>
    <name>CalendarFiles</name>
    <message>
        <source>Import reminders</source>
        <translation>Erinnerungen importieren</translation>
    </message>
    <message>
        <source>Export reminders</source>
        <translation>Erinnerungen exportieren</translation>
    </message>
    <message>
        <source>Calendars (*.ics)</source>
        <translation>Kalender (*.ics)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>Alle Dateien (*)</translation>
    </message>
    <message>
        <source>The file could not be read</source>
        <translation>Die Datei konnte nicht gelesen werden</translation>
    </message>
    <message>
        <source>The file is too large for a calendar</source>
        <translation>Die Datei ist zu groß für einen Kalender</translation>
    </message>
    <message>
        <source>The file could not be written</source>
        <translation>Die Datei konnte nicht geschrieben werden</translation>
    </message>
</context>
<context>
    <name>ChatRows</name>
    <message>
        <source>an answer is being written</source>
        <translation>eine Antwort wird geschrieben</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>angeheftet</translation>
    </message>
    <message>
        <source>{title} – an answer is being written</source>
        <translation>{title} – eine Antwort wird geschrieben</translation>
    </message>
</context>
<context>
    <name>ChatWindow</name>
    <message>
        <source>Nagatha</source>
        <translation>Nagatha</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>{title} – Nagatha</source>
        <translation>{title} – Nagatha</translation>
    </message>
    <message>
        <source>“{title}” was deleted.</source>
        <translation>„{title}“ wurde gelöscht.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>“{title}” was archived.</source>
        <translation>„{title}“ wurde archiviert.</translation>
    </message>
    <message>
        <source>“{title}” is back.</source>
        <translation>„{title}“ ist wieder da.</translation>
    </message>
</context>
<context>
    <name>Chats</name>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation>Angeheftet</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>Heute</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>Gestern</translation>
    </message>
    <message>
        <source>Previous 7 days</source>
        <translation>Letzte 7 Tage</translation>
    </message>
    <message>
        <source>Older</source>
        <translation>Älter</translation>
    </message>
</context>
<context>
    <name>Chips</name>
    <message>
        <source>Attached file {name}, {size}</source>
        <translation>Angehängte Datei {name}, {size}</translation>
    </message>
</context>
<context>
    <name>ClockField</name>
    <message>
        <source>HH:mm</source>
        <translation>HH:mm</translation>
    </message>
</context>
<context>
    <name>CodeBlock</name>
    <message>
        <source>Copy code</source>
        <translation>Code kopieren</translation>
    </message>
    <message>
        <source>Code in {language}</source>
        <translation>Code in {language}</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>Code</translation>
    </message>
    <message>
        <source>Show all {count} lines</source>
        <translation>Alle {count} Zeilen zeigen</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Message Nagatha …</source>
        <translation>Nachricht an Nagatha …</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>Nachricht</translation>
    </message>
    <message>
        <source>Editing</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Sending asks again; the earlier version stays. Esc to cancel.</source>
        <translation>Senden fragt erneut; die frühere Fassung bleibt. Esc bricht ab.</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Cancel editing</source>
        <translation>Bearbeiten abbrechen</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>Dateien anhängen</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Senden</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Stopp</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>Antwort stoppen</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>Modell: {name}</translation>
    </message>
    <message>
        <source>about {tokens} tokens</source>
        <translation>etwa {tokens} Token</translation>
    </message>
    <message>
        <source>does not fit: {percent} % of context</source>
        <translation>passt nicht: {percent} % des Kontexts</translation>
    </message>
    <message>
        <source>under 1</source>
        <translation>unter 1</translation>
    </message>
    <message>
        <source>{percent} % of context</source>
        <translation>{percent} % des Kontexts</translation>
    </message>
</context>
<context>
    <name>ConnectionPage</name>
    <message>
        <source>Connection</source>
        <translation>Verbindung</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>Dieser Computer</translation>
    </message>
    <message>
        <source>Everything stays here; nothing to install.</source>
        <translation>Alles bleibt hier; nichts zu installieren.</translation>
    </message>
    <message>
        <source>Redis on this computer</source>
        <translation>Redis auf diesem Computer</translation>
    </message>
    <message>
        <source>For a Redis that runs already, at redis://localhost:6379.</source>
        <translation>Für ein Redis, das schon läuft, auf redis://localhost:6379.</translation>
    </message>
    <message>
        <source>Background work</source>
        <translation>Arbeit im Hintergrund</translation>
    </message>
    <message>
        <source>Address of Redis</source>
        <translation>Adresse von Redis</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>Verbinden</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Worker</source>
        <translation>Worker</translation>
    </message>
    <message>
        <source>Does what is queued.</source>
        <translation>Erledigt, was ansteht.</translation>
    </message>
    <message>
        <source>Clock</source>
        <translation>Zeitgeber</translation>
    </message>
    <message>
        <source>Begins what is due at its time.</source>
        <translation>Beginnt rechtzeitig, was fällig ist.</translation>
    </message>
    <message>
        <source>Set by the environment, so it cannot be changed here.</source>
        <translation>Von der Umgebung vorgegeben, daher hier nicht änderbar.</translation>
    </message>
    <message>
        <source>Set by a nagatha.yaml, so it cannot be changed here.</source>
        <translation>Von einer nagatha.yaml vorgegeben, daher hier nicht änderbar.</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>In trouble</source>
        <translation>Gestört</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation>Startet …</translation>
    </message>
    <message>
        <source>Changing over …</source>
        <translation>Wird umgestellt …</translation>
    </message>
    <message>
        <source>✓ changed over in {time}</source>
        <translation>✓ umgestellt in {time}</translation>
    </message>
</context>
<context>
    <name>Conversation</name>
    <message>
        <source>No program opened the address.</source>
        <translation>Kein Programm hat die Adresse geöffnet.</translation>
    </message>
    <message>
        <source>Copied.</source>
        <translation>Kopiert.</translation>
    </message>
    <message>
        <source>There is no answer to copy yet.</source>
        <translation>Noch keine Antwort zum Kopieren da.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Save the file</source>
        <translation>Datei speichern</translation>
    </message>
    <message>
        <source>Saved.</source>
        <translation>Gespeichert.</translation>
    </message>
</context>
<context>
    <name>CopyButton</name>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>Kopiert</translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>Data and privacy</source>
        <translation>Daten und Privatsphäre</translation>
    </message>
    <message>
        <source>How long things are kept</source>
        <translation>Aufbewahrung</translation>
    </message>
    <message>
        <source>Where it is</source>
        <translation>Speicherort</translation>
    </message>
    <message>
        <source>On this computer only</source>
        <translation>Nur auf diesem Computer</translation>
    </message>
    <message>
        <source>Looking …</source>
        <translation>Suche läuft …</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>What leaves this computer</source>
        <translation>Was diesen Computer verlässt</translation>
    </message>
    <message>
        <source>Your messages and files go to the model that a chat asks, and nowhere else. Keys are in no file of a backup or export.</source>
        <translation>Nachrichten und Dateien gehen an das Modell, das ein Chat fragt, und sonst nirgendwohin. Schlüssel stehen in keiner Sicherung und keinem Export.</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>Sicherungen</translation>
    </message>
    <message>
        <source>Copy now</source>
        <translation>Jetzt kopieren</translation>
    </message>
    <message>
        <source>A copy of the database.</source>
        <translation>Eine Kopie der Datenbank.</translation>
    </message>
    <message>
        <source>Back up now</source>
        <translation>Jetzt sichern</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>Alle zeigen</translation>
    </message>
    <message>
        <source>What came since then is no longer there afterwards. The database as it is now is copied first, so you can come back to it.</source>
        <translation>Was seither dazukam, ist danach nicht mehr da. Die jetzige Datenbank wird zuerst kopiert, ein Zurück ist also möglich.</translation>
    </message>
    <message>
        <source>Restore it</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Leave things as they are</source>
        <translation>Alles so lassen</translation>
    </message>
    <message>
        <source>Export and import</source>
        <translation>Export und Import</translation>
    </message>
    <message>
        <source>Export all chats</source>
        <translation>Alle Chats exportieren</translation>
    </message>
    <message>
        <source>A new folder with JSON, which can be imported, and Markdown, for reading.</source>
        <translation>Ein neuer Ordner mit JSON zum Importieren und Markdown zum Lesen.</translation>
    </message>
    <message>
        <source>Export …</source>
        <translation>Exportieren …</translation>
    </message>
    <message>
        <source>Import an export</source>
        <translation>Einen Export importieren</translation>
    </message>
    <message>
        <source>The nagatha.json of an export. Chats that are here already are left alone.</source>
        <translation>Die nagatha.json eines Exports. Schon vorhandene Chats bleiben, wie sie sind.</translation>
    </message>
    <message>
        <source>Import …</source>
        <translation>Importieren …</translation>
    </message>
    <message>
        <source>Kept answers</source>
        <translation>Aufgehobene Antworten</translation>
    </message>
    <message>
        <source>Kept now</source>
        <translation>Zurzeit aufgehoben</translation>
    </message>
    <message>
        <source>Forget kept answers</source>
        <translation>Aufgehobene Antworten vergessen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Delete everything</source>
        <translation>Alles löschen</translation>
    </message>
    <message>
        <source>All chats, attachments, usage records, work and backups. Keys stay.</source>
        <translation>Alle Chats, Anhänge, Verbrauchsdaten, Arbeiten und Sicherungen. Schlüssel bleiben.</translation>
    </message>
    <message>
        <source>Delete …</source>
        <translation>Löschen …</translation>
    </message>
    <message>
        <source>delete</source>
        <translation>löschen</translation>
    </message>
    <message>
        <source>This cannot be undone: the backups go as well.</source>
        <translation>Das ist endgültig: Auch die Sicherungen werden gelöscht.</translation>
    </message>
    <message>
        <source>Type “{word}” to go on.</source>
        <translation>Zum Fortfahren „{word}“ eintippen.</translation>
    </message>
    <message>
        <source>Type “{word}” to go on</source>
        <translation>Zum Fortfahren „{word}“ eintippen</translation>
    </message>
    <message>
        <source>Keep everything</source>
        <translation>Alles behalten</translation>
    </message>
    <message>
        <source>1 answer</source>
        <translation>1 Antwort</translation>
    </message>
    <message>
        <source>{number} answers</source>
        <translation>{number} Antworten</translation>
    </message>
    <message>
        <source>None.</source>
        <translation>Keine.</translation>
    </message>
    <message>
        <source>✓ 1 forgotten</source>
        <translation>✓ 1 vergessen</translation>
    </message>
    <message>
        <source>✓ {number} forgotten</source>
        <translation>✓ {number} vergessen</translation>
    </message>
    <message>
        <source>1 chat</source>
        <translation>1 Chat</translation>
    </message>
    <message>
        <source>{number} chats</source>
        <translation>{number} Chats</translation>
    </message>
    <message>
        <source>1 message</source>
        <translation>1 Nachricht</translation>
    </message>
    <message>
        <source>{number} messages</source>
        <translation>{number} Nachrichten</translation>
    </message>
    <message>
        <source>The folder could not be opened</source>
        <translation>Der Ordner ließ sich nicht öffnen</translation>
    </message>
    <message>
        <source>No program of the desktop opens folders.</source>
        <translation>Kein Programm der Arbeitsumgebung öffnet Ordner.</translation>
    </message>
    <message>
        <source>Go there yourself: {folder}</source>
        <translation>Von Hand dorthin gehen: {folder}</translation>
    </message>
    <message>
        <source>Restore …</source>
        <translation>Wiederherstellen …</translation>
    </message>
    <message>
        <source>Restore the copy of {when}</source>
        <translation>Kopie vom {when} wiederherstellen</translation>
    </message>
    <message>
        <source>Show {number} more</source>
        <translation>{number} weitere zeigen</translation>
    </message>
    <message>
        <source>There is no copy yet.</source>
        <translation>Noch keine Kopie vorhanden.</translation>
    </message>
    <message>
        <source>Daily</source>
        <translation>Täglich</translation>
    </message>
    <message>
        <source>By hand</source>
        <translation>Von Hand</translation>
    </message>
    <message>
        <source>Before an update</source>
        <translation>Vor einer Aktualisierung</translation>
    </message>
    <message>
        <source>Before a restore</source>
        <translation>Vor einer Wiederherstellung</translation>
    </message>
    <message>
        <source>Copying …</source>
        <translation>Wird kopiert …</translation>
    </message>
    <message>
        <source>✓ copied, {size}</source>
        <translation>✓ kopiert, {size}</translation>
    </message>
    <message>
        <source>Restore the copy of {when}?</source>
        <translation>Kopie vom {when} wiederherstellen?</translation>
    </message>
    <message>
        <source>Restoring …</source>
        <translation>Wird wiederhergestellt …</translation>
    </message>
    <message>
        <source>✓ restored</source>
        <translation>✓ wiederhergestellt</translation>
    </message>
    <message>
        <source>Export into a new folder in</source>
        <translation>Export in einen neuen Ordner in</translation>
    </message>
    <message>
        <source>Exports (*.json)</source>
        <translation>Exporte (*.json)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>Alle Dateien (*)</translation>
    </message>
    <message>
        <source>✓ {amount} in {path}</source>
        <translation>✓ {amount} in {path}</translation>
    </message>
    <message>
        <source>Exporting …</source>
        <translation>Wird exportiert …</translation>
    </message>
    <message>
        <source>1 was here already</source>
        <translation>1 war schon da</translation>
    </message>
    <message>
        <source>{number} were here already</source>
        <translation>{number} waren schon da</translation>
    </message>
    <message>
        <source>Importing …</source>
        <translation>Wird importiert …</translation>
    </message>
    <message>
        <source>Deleting …</source>
        <translation>Wird gelöscht …</translation>
    </message>
    <message>
        <source>✓ everything was deleted</source>
        <translation>✓ alles wurde gelöscht</translation>
    </message>
    <message>
        <source>Tools allowed always</source>
        <translation>Immer erlaubte Werkzeuge</translation>
    </message>
</context>
<context>
    <name>DateField</name>
    <message>
        <source>ddd d MMM yyyy</source>
        <translation>ddd d. MMM yyyy</translation>
    </message>
</context>
<context>
    <name>DayField</name>
    <message>
        <source>ddd d MMM yyyy</source>
        <translation>ddd d. MMM yyyy</translation>
    </message>
    <message>
        <source>Month before</source>
        <translation>Monat davor</translation>
    </message>
    <message>
        <source>Month after</source>
        <translation>Monat danach</translation>
    </message>
</context>
<context>
    <name>DeadLetters</name>
    <message>
        <source>1 message was given up after too many failed deliveries</source>
        <translation>1 Nachricht wurde nach zu vielen Zustellversuchen aufgegeben</translation>
    </message>
    <message>
        <source>{number} messages were given up after too many failed deliveries</source>
        <translation>{number} Nachrichten wurden nach zu vielen Zustellversuchen aufgegeben</translation>
    </message>
    <message>
        <source>Delete “{name}” for good?</source>
        <translation>„{name}“ endgültig löschen?</translation>
    </message>
    <message>
        <source>It is not tried again; its run ends as failed.</source>
        <translation>Es wird nicht erneut versucht; der Lauf gilt als fehlgeschlagen.</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
</context>
<context>
    <name>DeadRow</name>
    <message>
        <source>A message without a task</source>
        <translation>Eine Nachricht ohne Aufgabe</translation>
    </message>
    <message>
        <source>given up {time} after {number} deliveries · queue {queue}</source>
        <translation>aufgegeben {time} nach {number} Zustellungen · Warteschlange {queue}</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>Erneut</translation>
    </message>
    <message>
        <source>Retry {name}</source>
        <translation>{name} erneut versuchen</translation>
    </message>
    <message>
        <source>Delete …</source>
        <translation>Löschen …</translation>
    </message>
    <message>
        <source>Delete {name}</source>
        <translation>{name} löschen</translation>
    </message>
</context>
<context>
    <name>DueBar</name>
    <message>
        <source>Run</source>
        <translation>Ausführen</translation>
    </message>
    <message>
        <source>Skip</source>
        <translation>Auslassen</translation>
    </message>
    <message>
        <source>1 job was due</source>
        <translation>1 Auftrag war fällig</translation>
    </message>
    <message>
        <source>{number} jobs were due</source>
        <translation>{number} Aufträge waren fällig</translation>
    </message>
</context>
<context>
    <name>ErrorCard</name>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
    <message>
        <source>Try again in {time}</source>
        <translation>Erneut versuchen in {time}</translation>
    </message>
    <message>
        <source>Models and keys</source>
        <translation>Modelle und Schlüssel</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Erneut versuchen</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Open settings</source>
        <translation>Einstellungen öffnen</translation>
    </message>
    <message>
        <source>Restore a backup</source>
        <translation>Sicherung wiederherstellen</translation>
    </message>
</context>
<context>
    <name>FailureAlerts</name>
    <message>
        <source>Failed: {what}</source>
        <translation>Fehlgeschlagen: {what}</translation>
    </message>
    <message>
        <source>{number} jobs failed</source>
        <translation>{number} Aufgaben fehlgeschlagen</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Find in this chat</source>
        <translation>In diesem Chat suchen</translation>
    </message>
    <message>
        <source>Previous match</source>
        <translation>Voriger Treffer</translation>
    </message>
    <message>
        <source>Next match</source>
        <translation>Nächster Treffer</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>{one} of {all}</source>
        <translation>{one} von {all}</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>nicht gefunden</translation>
    </message>
</context>
<context>
    <name>FirstStart</name>
    <message>
        <source>First start</source>
        <translation>Erster Start</translation>
    </message>
    <message>
        <source>Who should answer?</source>
        <translation>Wer soll antworten?</translation>
    </message>
    <message>
        <source>Nagatha asks a model of your choice. You can change this at any time in Settings › Models and keys.</source>
        <translation>Nagatha fragt ein Modell Ihrer Wahl. Das lässt sich jederzeit ändern: Einstellungen › Modelle und Schlüssel.</translation>
    </message>
    <message>
        <source>Go on without a model</source>
        <translation>Ohne Modell fortfahren</translation>
    </message>
    <message>
        <source>The built-in assistant answers what it can.</source>
        <translation>Der eingebaute Assistent antwortet, so gut er kann.</translation>
    </message>
    <message>
        <source>Paste a key</source>
        <translation>Schlüssel einfügen</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Another address</source>
        <translation>Andere Adresse</translation>
    </message>
    <message>
        <source>Provider</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Get a key …</source>
        <translation>Schlüssel besorgen …</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Test and use</source>
        <translation>Testen und verwenden</translation>
    </message>
    <message>
        <source>Use a model on this machine</source>
        <translation>Modell auf diesem Computer verwenden</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Erneut suchen</translation>
    </message>
    <message>
        <source>Model server</source>
        <translation>Modellserver</translation>
    </message>
    <message>
        <source>Asking {name} …</source>
        <translation>{name} wird gefragt …</translation>
    </message>
    <message>
        <source>Looking for Ollama and LM Studio …</source>
        <translation>Suche nach Ollama und LM Studio …</translation>
    </message>
    <message>
        <source>Nothing answers here: Ollama at 127.0.0.1:11434 or LM Studio at 127.0.0.1:1234. Start one, then look again.</source>
        <translation>Hier antwortet nichts: Ollama auf 127.0.0.1:11434 oder LM Studio auf 127.0.0.1:1234. Eines davon starten, dann erneut suchen.</translation>
    </message>
    <message>
        <source>no model is loaded there yet</source>
        <translation>dort ist noch kein Modell geladen</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>Verwenden</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>{name} verwenden</translation>
    </message>
    <message>
        <source>{name} answered in {time}.</source>
        <translation>{name} antwortete in {time}.</translation>
    </message>
</context>
<context>
    <name>Foot</name>
    <message>
        <source>Copy message</source>
        <translation>Nachricht kopieren</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>Erneut</translation>
    </message>
    <message>
        <source>Ask again</source>
        <translation>Erneut fragen</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Edit the question</source>
        <translation>Frage bearbeiten</translation>
    </message>
    <message>
        <source>ask again</source>
        <translation>neu fragen</translation>
    </message>
    <message>
        <source>Ask the model again</source>
        <translation>Das Modell neu fragen</translation>
    </message>
    <message>
        <source>Earlier version</source>
        <translation>Frühere Fassung</translation>
    </message>
    <message>
        <source>Later version</source>
        <translation>Spätere Fassung</translation>
    </message>
    <message>
        <source>Version {one} of {all}</source>
        <translation>Fassung {one} von {all}</translation>
    </message>
    <message>
        <source>{input} → {output} tokens</source>
        <translation>{input} → {output} Token</translation>
    </message>
    <message>
        <source>about {input} → {output} tokens</source>
        <translation>etwa {input} → {output} Token</translation>
    </message>
    <message>
        <source>from just now</source>
        <translation>von eben</translation>
    </message>
    <message>
        <source>from {minutes} min ago</source>
        <translation>von vor {minutes} min</translation>
    </message>
    <message>
        <source>from {hours} h ago</source>
        <translation>von vor {hours} h</translation>
    </message>
    <message>
        <source>from {date}</source>
        <translation>vom {date}</translation>
    </message>
</context>
<context>
    <name>GeneralPage</name>
    <message>
        <source>General</source>
        <translation>Allgemein</translation>
    </message>
    <message>
        <source>Look</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>Start and end</source>
        <translation>Start und Ende</translation>
    </message>
    <message>
        <source>Closing the chat window keeps Nagatha in the tray</source>
        <translation>Nagatha bleibt nach dem Schließen im Infobereich</translation>
    </message>
    <message>
        <source>Otherwise it quits. Where the desktop has no tray, it always quits.</source>
        <translation>Sonst wird es beendet. Ohne Infobereich wird es immer beendet.</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>Chat</translation>
    </message>
    <message>
        <source>Enter sends</source>
        <translation>Eingabe sendet</translation>
    </message>
    <message>
        <source>Shift+Enter makes a new line. Off: Enter makes one, Ctrl+Enter sends.</source>
        <translation>Umschalt+Eingabe beginnt eine neue Zeile. Aus: Eingabe beginnt eine, Strg+Eingabe sendet.</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>Benachrichtigungen</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>One is there, and its chat is not in front.</source>
        <translation>Eine ist da, und ihr Chat ist nicht vorn.</translation>
    </message>
    <message>
        <source>Failures</source>
        <translation>Fehlschläge</translation>
    </message>
    <message>
        <source>A job failed, and nobody watched.</source>
        <translation>Ein Auftrag schlug fehl, und niemand sah zu.</translation>
    </message>
    <message>
        <source>Approvals</source>
        <translation>Freigaben</translation>
    </message>
    <message>
        <source>A tool waits for your word.</source>
        <translation>Ein Werkzeug wartet auf eine Freigabe.</translation>
    </message>
    <message>
        <source>Routines</source>
        <translation>Routinen</translation>
    </message>
    <message>
        <source>One ended, or paused itself.</source>
        <translation>Eine endete oder hielt sich selbst an.</translation>
    </message>
    <message>
        <source>Sound</source>
        <translation>Ton</translation>
    </message>
    <message>
        <source>For reminders and approvals.</source>
        <translation>Für Erinnerungen und Freigaben.</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Farben</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>Another language is used from the next start on.</source>
        <translation>Eine andere Sprache gilt ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>Nagatha speaks English so far.</source>
        <translation>Nagatha spricht bisher Englisch.</translation>
    </message>
    <message>
        <source>Start at login</source>
        <translation>Beim Anmelden starten</translation>
    </message>
    <message>
        <source>In the tray, without opening a window.</source>
        <translation>Im Infobereich, ohne ein Fenster zu öffnen.</translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>Reading …</source>
        <translation>Wird gelesen …</translation>
    </message>
    <message>
        <source>It has not run yet.</source>
        <translation>Sie ist noch nicht gelaufen.</translation>
    </message>
</context>
<context>
    <name>Hotkey</name>
    <message>
        <source>macOS gives keys to Shortcuts only: bind the command below there.</source>
        <translation>macOS gibt Tasten nur an „Kurzbefehle“: den Befehl unten dort zuweisen.</translation>
    </message>
    <message>
        <source>Wayland lets no program take a key everywhere: bind the command below in the settings of your desktop.</source>
        <translation>Unter Wayland kann kein Programm eine Taste überall belegen: den Befehl unten in den Einstellungen der Arbeitsumgebung zuweisen.</translation>
    </message>
    <message>
        <source>There is no X11 display.</source>
        <translation>Es gibt keine X11-Anzeige.</translation>
    </message>
    <message>
        <source>This is not one key.</source>
        <translation>Das ist nicht eine einzelne Taste.</translation>
    </message>
    <message>
        <source>The X11 display does not answer.</source>
        <translation>Die X11-Anzeige antwortet nicht.</translation>
    </message>
    <message>
        <source>This keyboard has no such key.</source>
        <translation>Diese Tastatur hat keine solche Taste.</translation>
    </message>
    <message>
        <source>Another program has this key.</source>
        <translation>Ein anderes Programm hat diese Taste.</translation>
    </message>
</context>
<context>
    <name>IntervalEditor</name>
    <message>
        <source>Every</source>
        <translation>Alle</translation>
    </message>
    <message>
        <source>How often: {title}</source>
        <translation>Wie oft: {title}</translation>
    </message>
    <message>
        <source>Unit of time: {title}</source>
        <translation>Zeiteinheit: {title}</translation>
    </message>
    <message>
        <source>seconds</source>
        <translation>Sekunden</translation>
    </message>
    <message>
        <source>minutes</source>
        <translation>Minuten</translation>
    </message>
    <message>
        <source>hours</source>
        <translation>Stunden</translation>
    </message>
    <message>
        <source>days</source>
        <translation>Tage</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Save how often: {title}</source>
        <translation>Speichern, wie oft: {title}</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Default of how often: {title}</source>
        <translation>Standard, wie oft: {title}</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Do not change how often: {title}</source>
        <translation>Nicht ändern, wie oft: {title}</translation>
    </message>
</context>
<context>
    <name>KeyField</name>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Paste a key</source>
        <translation>Schlüssel einfügen</translation>
    </message>
    <message>
        <source>Show the key</source>
        <translation>Schlüssel zeigen</translation>
    </message>
</context>
<context>
    <name>KeyPlace</name>
    <message>
        <source>No key</source>
        <translation>Kein Schlüssel</translation>
    </message>
    <message>
        <source>Needs no key</source>
        <translation>Braucht keinen Schlüssel</translation>
    </message>
    <message>
        <source>Key in the system keyring</source>
        <translation>Im Schlüsselbund</translation>
    </message>
    <message>
        <source>Key from the environment</source>
        <translation>Schlüssel aus der Umgebung</translation>
    </message>
    <message>
        <source>Key for this session only</source>
        <translation>Nur für diese Sitzung</translation>
    </message>
    <message>
        <source>Key in a file only you can read</source>
        <translation>In einer privaten Datei</translation>
    </message>
    <message>
        <source>Key cannot be read now</source>
        <translation>Schlüssel gerade nicht lesbar</translation>
    </message>
</context>
<context>
    <name>KeyPlaceChooser</name>
    <message>
        <source>Look again</source>
        <translation>Erneut suchen</translation>
    </message>
    <message>
        <source>In the keyring</source>
        <translation>Im Schlüsselbund</translation>
    </message>
    <message>
        <source>It will ask for its password.</source>
        <translation>Er fragt nach seinem Passwort.</translation>
    </message>
    <message>
        <source>For this session only</source>
        <translation>Nur für diese Sitzung</translation>
    </message>
    <message>
        <source>Nagatha forgets the key when it quits.</source>
        <translation>Nagatha vergisst den Schlüssel beim Beenden.</translation>
    </message>
    <message>
        <source>In a file that only you can read</source>
        <translation>In einer Datei, die nur Sie lesen können</translation>
    </message>
    <message>
        <source>Not encrypted: whoever can read your files can read the key, backups of your home folder included.</source>
        <translation>Unverschlüsselt: Wer Ihre Dateien lesen kann, kann den Schlüssel lesen, auch aus Sicherungen des persönlichen Ordners.</translation>
    </message>
    <message>
        <source>I agree to keep keys in a file that is not encrypted</source>
        <translation>Ich stimme einer unverschlüsselten Datei zu</translation>
    </message>
    <message>
        <source>Tick that you agree to the file</source>
        <translation>Der Datei bitte zustimmen</translation>
    </message>
    <message>
        <source>Choose where to keep the key</source>
        <translation>Ablageort des Schlüssels wählen</translation>
    </message>
    <message>
        <source>A file that is not encrypted needs your consent.</source>
        <translation>Eine unverschlüsselte Datei braucht Ihre Zustimmung.</translation>
    </message>
    <message>
        <source>The system&apos;s keyring cannot keep it now.</source>
        <translation>Der Schlüsselbund des Systems kann ihn gerade nicht aufnehmen.</translation>
    </message>
    <message>
        <source>the system&apos;s keyring</source>
        <translation>Schlüsselbund des Systems</translation>
    </message>
    <message>
        <source>Keyring ready</source>
        <translation>Schlüsselbund bereit</translation>
    </message>
    <message>
        <source>Keys are kept in {name}, not in a file of Nagatha&apos;s.</source>
        <translation>Ablage der Schlüssel: {name}, nicht in einer Datei von Nagatha.</translation>
    </message>
    <message>
        <source>Keyring locked</source>
        <translation>Schlüsselbund gesperrt</translation>
    </message>
    <message>
        <source>Keys cannot be read now.</source>
        <translation>Schlüssel sind gerade nicht lesbar.</translation>
    </message>
    <message>
        <source>No keyring was found on this system. Where may a key be kept?</source>
        <translation>Auf diesem System wurde kein Schlüsselbund gefunden. Wo darf ein Schlüssel liegen?</translation>
    </message>
    <message>
        <source>No keyring</source>
        <translation>Kein Schlüsselbund</translation>
    </message>
    <message>
        <source>Looking …</source>
        <translation>Suche läuft …</translation>
    </message>
    <message>
        <source>Looking for the system&apos;s keyring.</source>
        <translation>Suche nach dem Schlüsselbund des Systems.</translation>
    </message>
</context>
<context>
    <name>KeyRecorder</name>
    <message>
        <source>Press to choose another key</source>
        <translation>Drücken, um eine andere Taste zu wählen</translation>
    </message>
    <message>
        <source>Press a key …</source>
        <translation>Taste drücken …</translation>
    </message>
    <message>
        <source>{title}: press the new key, Escape to leave it as it is</source>
        <translation>{title}: neue Taste drücken, Esc lässt alles, wie es ist</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
    <message>
        <source>{title}: {key}</source>
        <translation>{title}: {key}</translation>
    </message>
</context>
<context>
    <name>LinkPopover</name>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Copy address</source>
        <translation>Adresse kopieren</translation>
    </message>
    <message>
        <source>Nagatha does not open this kind of address</source>
        <translation>Nagatha öffnet Adressen dieser Art nicht</translation>
    </message>
    <message>
        <source>Open this address at {host}?</source>
        <translation>Diese Adresse bei {host} öffnen?</translation>
    </message>
    <message>
        <source>Open this address?</source>
        <translation>Diese Adresse öffnen?</translation>
    </message>
</context>
<context>
    <name>MessageView</name>
    <message>
        <source>You said</source>
        <translation>Ihre Nachricht</translation>
    </message>
    <message>
        <source>Answer by {model}</source>
        <translation>Antwort von {model}</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
    <message>
        <source>Thinking … {time}</source>
        <translation>Überlegt … {time}</translation>
    </message>
    <message>
        <source>Show all, {count} more characters</source>
        <translation>Alles zeigen, {count} weitere Zeichen</translation>
    </message>
    <message>
        <source>writing … {time}</source>
        <translation>schreibt … {time}</translation>
    </message>
    <message>
        <source>waits for your answer</source>
        <translation>wartet auf Antwort</translation>
    </message>
</context>
<context>
    <name>MissedBar</name>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Show what was missed</source>
        <translation>Verpasstes zeigen</translation>
    </message>
    <message>
        <source>Done with all</source>
        <translation>Alle erledigt</translation>
    </message>
    <message>
        <source>Done with all that was missed</source>
        <translation>Alles Verpasste ist erledigt</translation>
    </message>
</context>
<context>
    <name>ModelBox</name>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Choose a model, or type its name</source>
        <translation>Modell wählen oder Namen eintippen</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>Filter models</source>
        <translation>Modelle filtern</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Default ({model})</source>
        <translation>Standard ({model})</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>{number} models</source>
        <translation>{number} Modelle</translation>
    </message>
    <message>
        <source>Built-in assistant</source>
        <translation>Eingebauter Assistent</translation>
    </message>
    <message>
        <source>{model} · {tokens} tokens</source>
        <translation>{model} · {tokens} Token</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models and keys</source>
        <translation>Modelle und Schlüssel</translation>
    </message>
    <message>
        <source>Providers</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Add a provider …</source>
        <translation>Anbieter hinzufügen …</translation>
    </message>
    <message>
        <source>Default model</source>
        <translation>Standardmodell</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Patience</source>
        <translation>Geduld</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Another address …</source>
        <translation>Andere Adresse …</translation>
    </message>
    <message>
        <source>Keys may be kept in a file</source>
        <translation>Schlüssel dürfen in einer Datei liegen</translation>
    </message>
    <message>
        <source>You agreed to a file that only you can read. It is not encrypted.</source>
        <translation>Sie haben einer Datei zugestimmt, die nur Sie lesen können. Sie ist unverschlüsselt.</translation>
    </message>
    <message>
        <source>Delete the file and its keys</source>
        <translation>Datei und Schlüssel löschen</translation>
    </message>
    <message>
        <source>Asked where a chat chose nothing</source>
        <translation>Gefragt, wenn ein Chat nichts gewählt hat</translation>
    </message>
    <message>
        <source>A chat may choose another one.</source>
        <translation>Ein Chat kann ein anderes wählen.</translation>
    </message>
    <message>
        <source>Default provider</source>
        <translation>Standardanbieter</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>Neu lesen</translation>
    </message>
    <message>
        <source>Read the list of models again</source>
        <translation>Liste der Modelle neu lesen</translation>
    </message>
    <message>
        <source>Asking {name} …</source>
        <translation>{name} wird gefragt …</translation>
    </message>
    <message>
        <source>A provider from the environment is asked as long as it is set.</source>
        <translation>Ein Anbieter aus der Umgebung wird gefragt, solange er gesetzt ist.</translation>
    </message>
    <message>
        <source>Reading the list of models …</source>
        <translation>Liste der Modelle wird gelesen …</translation>
    </message>
</context>
<context>
    <name>ModuleRow</name>
    <message>
        <source>Module {name} on</source>
        <translation>Modul {name} an</translation>
    </message>
    <message>
        <source>On</source>
        <translation>An</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>Broken</source>
        <translation>Defekt</translation>
    </message>
    <message>
        <source>your own</source>
        <translation>eigenes</translation>
    </message>
    <message>
        <source>shipped</source>
        <translation>mitgeliefert</translation>
    </message>
    <message>
        <source>Switching …</source>
        <translation>Wird umgeschaltet …</translation>
    </message>
</context>
<context>
    <name>ModulesPage</name>
    <message>
        <source>Modules</source>
        <translation>Module</translation>
    </message>
    <message>
        <source>Modules add tasks and tools. Your own ones run only after you switched them on, with all the rights that you have.</source>
        <translation>Module fügen Aufgaben und Werkzeuge hinzu. Eigene laufen erst nach dem Einschalten, und zwar mit allen Ihren Rechten.</translation>
    </message>
    <message>
        <source>No module was found.</source>
        <translation>Kein Modul gefunden.</translation>
    </message>
</context>
<context>
    <name>Moments</name>
    <message>
        <source>HH:mm</source>
        <translation>HH:mm</translation>
    </message>
    <message>
        <source>tomorrow {time}</source>
        <translation>morgen {time}</translation>
    </message>
    <message>
        <source>ddd d MMM HH:mm</source>
        <translation>ddd d. MMM HH:mm</translation>
    </message>
    <message>
        <source>ddd d MMM yyyy HH:mm</source>
        <translation>ddd d. MMM yyyy HH:mm</translation>
    </message>
    <message>
        <source>dddd d MMMM yyyy HH:mm</source>
        <translation>dddd d. MMMM yyyy HH:mm</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>in {number} min</source>
        <translation>in {number} min</translation>
    </message>
    <message>
        <source>just now</source>
        <translation>gerade eben</translation>
    </message>
    <message>
        <source>{number} min ago</source>
        <translation>vor {number} min</translation>
    </message>
    <message>
        <source>{number} h ago</source>
        <translation>vor {number} h</translation>
    </message>
    <message>
        <source>{number} d ago</source>
        <translation>vor {number} d</translation>
    </message>
    <message>
        <source>{number} or more</source>
        <translation>{number} oder mehr</translation>
    </message>
</context>
<context>
    <name>Note</name>
    <message>
        <source>Nagatha</source>
        <translation>Nagatha</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>NoticeTest</name>
    <message>
        <source>Try it</source>
        <translation>Ausprobieren</translation>
    </message>
    <message>
        <source>With a button, as reminders have them.</source>
        <translation>Mit einer Schaltfläche, wie Erinnerungen sie haben.</translation>
    </message>
    <message>
        <source>Send a test notification</source>
        <translation>Testmeldung senden</translation>
    </message>
    <message>
        <source>The desktop is asked …</source>
        <translation>Der Desktop wird gefragt …</translation>
    </message>
    <message>
        <source>A test</source>
        <translation>Ein Test</translation>
    </message>
    <message>
        <source>This is how Nagatha speaks to you on this desktop.</source>
        <translation>So meldet sich Nagatha auf diesem Desktop.</translation>
    </message>
    <message>
        <source>I see it</source>
        <translation>Ich sehe sie</translation>
    </message>
    <message>
        <source>The system’s notifications have it.</source>
        <translation>Die Benachrichtigungen des Systems haben sie.</translation>
    </message>
    <message>
        <source>A small window of Nagatha’s own shows it: there is no session bus on which the system’s notifications could be asked.</source>
        <translation>Ein kleines Fenster von Nagatha zeigt sie: Es gibt keinen Sitzungsbus, auf dem die Benachrichtigungen des Systems zu erreichen wären.</translation>
    </message>
    <message>
        <source>A small window of Nagatha’s own shows it: nothing on this desktop shows notifications.</source>
        <translation>Ein kleines Fenster von Nagatha zeigt sie: Auf diesem Desktop zeigt nichts Benachrichtigungen.</translation>
    </message>
    <message>
        <source>A small window of Nagatha’s own shows it: the system’s notifications have no buttons.</source>
        <translation>Ein kleines Fenster von Nagatha zeigt sie: Die Benachrichtigungen des Systems haben keine Schaltflächen.</translation>
    </message>
    <message>
        <source>A small window of Nagatha’s own shows it: the system’s notifications do not answer.</source>
        <translation>Ein kleines Fenster von Nagatha zeigt sie: Die Benachrichtigungen des Systems antworten nicht.</translation>
    </message>
    <message>
        <source>A small window of Nagatha’s own shows it: the system’s notifications did not take it.</source>
        <translation>Ein kleines Fenster von Nagatha zeigt sie: Die Benachrichtigungen des Systems haben sie nicht angenommen.</translation>
    </message>
    <message>
        <source>You answered it, and the answer came back.</source>
        <translation>Sie haben geantwortet, und die Antwort kam an.</translation>
    </message>
</context>
<context>
    <name>Notifier</name>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
</context>
<context>
    <name>OccurrenceRow</name>
    <message>
        <source>Open chat</source>
        <translation>Chat öffnen</translation>
    </message>
    <message>
        <source>Open the chat of {time}</source>
        <translation>Chat von {time} öffnen</translation>
    </message>
    <message>
        <source>Open run</source>
        <translation>Lauf öffnen</translation>
    </message>
    <message>
        <source>Open the run of {time}</source>
        <translation>Lauf von {time} öffnen</translation>
    </message>
    <message>
        <source>due {time}</source>
        <translation>fällig {time}</translation>
    </message>
    <message>
        <source>run by hand {time}</source>
        <translation>von Hand gestartet {time}</translation>
    </message>
    <message>
        <source>started {time}</source>
        <translation>begonnen {time}</translation>
    </message>
    <message>
        <source>ended {time}</source>
        <translation>beendet {time}</translation>
    </message>
    <message>
        <source>1 earlier time passed with it</source>
        <translation>1 früherer Termin ist damit erledigt</translation>
    </message>
    <message>
        <source>{number} earlier times passed with it</source>
        <translation>{number} frühere Termine sind damit erledigt</translation>
    </message>
</context>
<context>
    <name>Program</name>
    <message>
        <source>This desktop has no tray</source>
        <translation>Diese Arbeitsumgebung hat keinen Infobereich</translation>
    </message>
    <message>
        <source>Nagatha works all the same; closing its window quits it.</source>
        <translation>Nagatha arbeitet trotzdem; Schließen des Fensters beendet es.</translation>
    </message>
    <message>
        <source>Start it again to come back, or bind a key to nagatha-desktop.</source>
        <translation>Zum Zurückkehren neu starten oder nagatha-desktop eine Taste zuweisen.</translation>
    </message>
    <message>
        <source>{key} does not open quick ask</source>
        <translation>{key} öffnet die Schnellfrage nicht</translation>
    </message>
    <message>
        <source>Choose another key in Settings.</source>
        <translation>In den Einstellungen eine andere Taste wählen.</translation>
    </message>
    <message>
        <source>Quit Nagatha</source>
        <translation>Nagatha beenden</translation>
    </message>
    <message>
        <source>Something is still at work</source>
        <translation>Es wird noch gearbeitet</translation>
    </message>
    <message>
        <source>{number} running. What is stopped now goes on at the next start.</source>
        <translation>{number} in Arbeit. Was jetzt angehalten wird, geht beim nächsten Start weiter.</translation>
    </message>
    <message>
        <source>Keep running</source>
        <translation>Weiterlaufen lassen</translation>
    </message>
    <message>
        <source>Stop and quit</source>
        <translation>Anhalten und beenden</translation>
    </message>
</context>
<context>
    <name>ProviderForm</name>
    <message>
        <source>Another address</source>
        <translation>Andere Adresse</translation>
    </message>
    <message>
        <source>The system&apos;s; or http://proxy:8080, socks5://…</source>
        <translation>Der des Systems; oder http://proxy:8080, socks5://…</translation>
    </message>
    <message>
        <source>Get a key …</source>
        <translation>Schlüssel besorgen …</translation>
    </message>
    <message>
        <source>Forget key</source>
        <translation>Schlüssel vergessen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>Testen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Not needed</source>
        <translation>Nicht nötig</translation>
    </message>
    <message>
        <source>Paste a key</source>
        <translation>Schlüssel einfügen</translation>
    </message>
    <message>
        <source>Asking {name} …</source>
        <translation>{name} wird gefragt …</translation>
    </message>
    <message>
        <source>Saving …</source>
        <translation>Wird gespeichert …</translation>
    </message>
    <message>
        <source>The key that is kept belongs to another server</source>
        <translation>Der gespeicherte Schlüssel gehört zu einem anderen Server</translation>
    </message>
    <message>
        <source>It was given for {server}.</source>
        <translation>Er wurde für {server} angegeben.</translation>
    </message>
    <message>
        <source>Paste the key for the new address, or forget the one that is kept.</source>
        <translation>Den Schlüssel für die neue Adresse einfügen oder den gespeicherten vergessen.</translation>
    </message>
    <message>
        <source>The key was deleted.</source>
        <translation>Der Schlüssel wurde gelöscht.</translation>
    </message>
    <message>
        <source>Deleting the key …</source>
        <translation>Schlüssel wird gelöscht …</translation>
    </message>
    <message>
        <source>Remove it and its key</source>
        <translation>Samt Schlüssel entfernen</translation>
    </message>
    <message>
        <source>Removing …</source>
        <translation>Wird entfernt …</translation>
    </message>
    <message>
        <source>✓ answered in {time}</source>
        <translation>✓ Antwort in {time}</translation>
    </message>
    <message>
        <source>1 model</source>
        <translation>1 Modell</translation>
    </message>
    <message>
        <source>{number} models</source>
        <translation>{number} Modelle</translation>
    </message>
</context>
<context>
    <name>ProviderRow</name>
    <message>
        <source>Answers what the program itself can, without a model.</source>
        <translation>Beantwortet ohne Modell, was das Programm selbst kann.</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Environment</source>
        <translation>Umgebung</translation>
    </message>
    <message>
        <source>Set by a variable, for this process only.</source>
        <translation>Durch eine Variable gesetzt, nur für diesen Prozess.</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>Testen</translation>
    </message>
    <message>
        <source>Test {name}</source>
        <translation>{name} testen</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Ändern</translation>
    </message>
    <message>
        <source>Edit {name}</source>
        <translation>{name} ändern</translation>
    </message>
</context>
<context>
    <name>QAbstractSpinBox</name>
    <message>
        <source>&amp;Select All</source>
        <translation>&amp;Alles auswählen</translation>
    </message>
    <message>
        <source>&amp;Step up</source>
        <translation>&amp;Erhöhen</translation>
    </message>
    <message>
        <source>Step &amp;down</source>
        <translation>&amp;Verringern</translation>
    </message>
</context>
<context>
    <name>QLineEdit</name>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>&amp;Wiederholen</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>&amp;Ausschneiden</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Select All</source>
        <translation>Alles auswählen</translation>
    </message>
</context>
<context>
    <name>QPlatformTheme</name>
    <message>
        <source>OK</source>
        <translation>OK</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>&amp;Yes</source>
        <translation>&amp;Ja</translation>
    </message>
    <message>
        <source>&amp;No</source>
        <translation>&amp;Nein</translation>
    </message>
</context>
<context>
    <name>QShortcut</name>
    <message>
        <source>Ctrl</source>
        <translation>Strg</translation>
    </message>
    <message>
        <source>Shift</source>
        <translation>Umschalt</translation>
    </message>
    <message>
        <source>Alt</source>
        <translation>Alt</translation>
    </message>
    <message>
        <source>Meta</source>
        <translation>Meta</translation>
    </message>
    <message>
        <source>Return</source>
        <translation>Eingabe</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Enter</translation>
    </message>
    <message>
        <source>Esc</source>
        <translation>Esc</translation>
    </message>
    <message>
        <source>Space</source>
        <translation>Leertaste</translation>
    </message>
    <message>
        <source>Tab</source>
        <translation>Tab</translation>
    </message>
    <message>
        <source>Backspace</source>
        <translation>Rücktaste</translation>
    </message>
    <message>
        <source>Up</source>
        <translation>Hoch</translation>
    </message>
    <message>
        <source>Down</source>
        <translation>Runter</translation>
    </message>
    <message>
        <source>Left</source>
        <translation>Links</translation>
    </message>
    <message>
        <source>Right</source>
        <translation>Rechts</translation>
    </message>
    <message>
        <source>Ins</source>
        <translation>Einfg</translation>
    </message>
    <message>
        <source>Del</source>
        <translation>Entf</translation>
    </message>
    <message>
        <source>Home</source>
        <translation>Pos1</translation>
    </message>
    <message>
        <source>End</source>
        <translation>Ende</translation>
    </message>
    <message>
        <source>PgUp</source>
        <translation>Bild auf</translation>
    </message>
    <message>
        <source>PgDown</source>
        <translation>Bild ab</translation>
    </message>
</context>
<context>
    <name>QWidgetTextControl</name>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>&amp;Wiederholen</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>&amp;Ausschneiden</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Select All</source>
        <translation>Alles auswählen</translation>
    </message>
    <message>
        <source>Copy &amp;Link Location</source>
        <translation>&amp;Link-Adresse kopieren</translation>
    </message>
</context>
<context>
    <name>QuickAsk</name>
    <message>
        <source>Quick ask</source>
        <translation>Schnellfrage</translation>
    </message>
    <message>
        <source>Ask anything</source>
        <translation>Frage stellen</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
    <message>
        <source>thinking …</source>
        <translation>überlegt …</translation>
    </message>
    <message>
        <source>↵ ask again</source>
        <translation>↵ erneut</translation>
    </message>
    <message>
        <source>↵ ask</source>
        <translation>↵ fragen</translation>
    </message>
    <message>
        <source>Ctrl ↵ open in chat</source>
        <translation>Strg ↵ zum Chat</translation>
    </message>
    <message>
        <source>Ctrl C copy</source>
        <translation>Strg C kopieren</translation>
    </message>
    <message>
        <source>Esc close</source>
        <translation>Esc schließen</translation>
    </message>
</context>
<context>
    <name>QuickAsked</name>
    <message>
        <source>Open in chat</source>
        <translation>Im Chat öffnen</translation>
    </message>
    <message>
        <source>Waits for your approval</source>
        <translation>Wartet auf Ihre Freigabe</translation>
    </message>
    <message>
        <source>Waits for your approval: {tools}</source>
        <translation>Wartet auf Ihre Freigabe: {tools}</translation>
    </message>
</context>
<context>
    <name>QuickLine</name>
    <message>
        <source>New reminder</source>
        <translation>Neue Erinnerung</translation>
    </message>
    <message>
        <source>Remind me of … at …</source>
        <translation>Erinnere mich an … um …</translation>
    </message>
    <message>
        <source>did not understand</source>
        <translation>nicht verstanden</translation>
    </message>
    <message>
        <source>→ {meaning} ↵</source>
        <translation>→ {meaning} ↵</translation>
    </message>
    <message>
        <source>Say when, for example “pay rent every 1st at 9”.</source>
        <translation>Sagen Sie, wann, zum Beispiel „Miete zahlen jeden 1. um 9“.</translation>
    </message>
</context>
<context>
    <name>ReminderActions</name>
    <message>
        <source>“{text}” is done for this time.</source>
        <translation>„{text}“ ist für dieses Mal erledigt.</translation>
    </message>
    <message>
        <source>“{text}” is done.</source>
        <translation>„{text}“ ist erledigt.</translation>
    </message>
    <message>
        <source>“{text}” is open again.</source>
        <translation>„{text}“ ist wieder offen.</translation>
    </message>
    <message>
        <source>“{text}” comes again: {time}</source>
        <translation>„{text}“ kommt wieder: {time}</translation>
    </message>
    <message>
        <source>“{text}” is skipped once.</source>
        <translation>„{text}“ wird einmal ausgelassen.</translation>
    </message>
    <message>
        <source>“{text}” is deleted.</source>
        <translation>„{text}“ ist gelöscht.</translation>
    </message>
    <message>
        <source>“{text}” is back.</source>
        <translation>„{text}“ ist wieder da.</translation>
    </message>
    <message>
        <source>1 reminder is done.</source>
        <translation>1 Erinnerung ist erledigt.</translation>
    </message>
    <message>
        <source>{number} reminders are done.</source>
        <translation>{number} Erinnerungen sind erledigt.</translation>
    </message>
    <message>
        <source>{number} reminders are open again.</source>
        <translation>{number} Erinnerungen sind wieder offen.</translation>
    </message>
    <message>
        <source>There was nothing left to open again.</source>
        <translation>Es gab nichts mehr, was wieder offen sein könnte.</translation>
    </message>
    <message>
        <source>“{text}” is kept.</source>
        <translation>„{text}“ ist gemerkt.</translation>
    </message>
    <message>
        <source>Next: {time}</source>
        <translation>Nächstes Mal: {time}</translation>
    </message>
</context>
<context>
    <name>ReminderAlerts</name>
    <message>
        <source>Done</source>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Snooze 10 min</source>
        <translation>In 10 min wieder</translation>
    </message>
    <message>
        <source>Tomorrow</source>
        <translation>Morgen</translation>
    </message>
    <message>
        <source>and {number} more</source>
        <translation>und {number} weitere</translation>
    </message>
    <message>
        <source>{number} reminders are due</source>
        <translation>{number} Erinnerungen sind fällig</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Done with all</source>
        <translation>Alle erledigt</translation>
    </message>
    <message>
        <source>Due now</source>
        <translation>Jetzt fällig</translation>
    </message>
    <message>
        <source>Due {time}</source>
        <translation>Fällig {time}</translation>
    </message>
    <message>
        <source>{due}, and {number} times before</source>
        <translation>{due}, und {number} Mal davor</translation>
    </message>
    <message>
        <source>{due} · from “{title}”</source>
        <translation>{due} · aus „{title}“</translation>
    </message>
    <message>
        <source>HH:mm</source>
        <translation>HH:mm</translation>
    </message>
    <message>
        <source>ddd d MMM HH:mm</source>
        <translation>ddd d. MMM HH:mm</translation>
    </message>
    <message>
        <source>Nothing was marked as done.</source>
        <translation>Nichts wurde als erledigt vermerkt.</translation>
    </message>
</context>
<context>
    <name>ReminderDesk</name>
    <message>
        <source>Do not disturb until</source>
        <translation>Nicht stören bis</translation>
    </message>
    <message>
        <source>Do not disturb</source>
        <translation>Nicht stören</translation>
    </message>
</context>
<context>
    <name>ReminderEditor</name>
    <message>
        <source>Text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>Notes</source>
        <translation>Notizen</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>Tag</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Uhrzeit</translation>
    </message>
    <message>
        <source>When</source>
        <translation>Wann</translation>
    </message>
    <message>
        <source>Time zone</source>
        <translation>Zeitzone</translation>
    </message>
    <message>
        <source>Repeat</source>
        <translation>Wiederholen</translation>
    </message>
    <message>
        <source>Rule</source>
        <translation>Regel</translation>
    </message>
    <message>
        <source>When missed</source>
        <translation>Wenn verpasst</translation>
    </message>
    <message>
        <source>Urgent: comes through quiet hours, stays until answered</source>
        <translation>Dringend: kommt auch in Ruhezeiten, bleibt bis zur Antwort</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>{time} here</source>
        <translation>hier {time}</translation>
    </message>
</context>
<context>
    <name>Reminders</name>
    <message>
        <source>10 minutes</source>
        <translation>10 Minuten</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 Stunde</translation>
    </message>
    <message>
        <source>This evening, {time}</source>
        <translation>Heute Abend, {time}</translation>
    </message>
    <message>
        <source>Tomorrow, {time}</source>
        <translation>Morgen, {time}</translation>
    </message>
    <message>
        <source>Choose day and time …</source>
        <translation>Tag und Uhrzeit wählen …</translation>
    </message>
    <message>
        <source>Remind again</source>
        <translation>Später erinnern</translation>
    </message>
    <message>
        <source>Open again</source>
        <translation>Wieder öffnen</translation>
    </message>
    <message>
        <source>Done</source>
        <comment>deed</comment>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Skip once</source>
        <translation>Einmal auslassen</translation>
    </message>
    <message>
        <source>Edit …</source>
        <translation>Bearbeiten …</translation>
    </message>
    <message>
        <source>Open its chat</source>
        <translation>Chat dazu öffnen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Once</source>
        <translation>Einmal</translation>
    </message>
    <message>
        <source>Every day</source>
        <translation>Jeden Tag</translation>
    </message>
    <message>
        <source>Every weekday, Monday to Friday</source>
        <translation>Werktags, Montag bis Freitag</translation>
    </message>
    <message>
        <source>Every week on this day</source>
        <translation>Jede Woche an diesem Tag</translation>
    </message>
    <message>
        <source>Every month on this day</source>
        <translation>Jeden Monat an diesem Tag</translation>
    </message>
    <message>
        <source>Every year on this day</source>
        <translation>Jedes Jahr an diesem Tag</translation>
    </message>
    <message>
        <source>By another rule</source>
        <translation>Nach einer anderen Regel</translation>
    </message>
    <message>
        <source>Waiting for you</source>
        <translation>Wartet auf Sie</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>Heute</translation>
    </message>
    <message>
        <source>Tomorrow</source>
        <translation>Morgen</translation>
    </message>
    <message>
        <source>This week</source>
        <translation>Diese Woche</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>Später</translation>
    </message>
    <message>
        <source>Upcoming</source>
        <translation>Anstehend</translation>
    </message>
    <message>
        <source>Done</source>
        <comment>view</comment>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Missed</source>
        <comment>view</comment>
        <translation>Verpasst</translation>
    </message>
    <message>
        <source>Nothing to remember</source>
        <translation>Nichts zu merken</translation>
    </message>
    <message>
        <source>Write it in the line above, for example “pay rent every 1st at 9” or “call the dentist tomorrow at 8:15”.</source>
        <translation>Schreiben Sie es in die Zeile oben, zum Beispiel „Miete zahlen jeden 1. um 9“ oder „Zahnarzt anrufen morgen um 8:15“.</translation>
    </message>
    <message>
        <source>Write a reminder</source>
        <translation>Erinnerung schreiben</translation>
    </message>
    <message>
        <source>Nothing is done yet</source>
        <translation>Noch ist nichts erledigt</translation>
    </message>
    <message>
        <source>Press the circle of a reminder, and it moves here.</source>
        <translation>Drücken Sie auf den Kreis einer Erinnerung, dann kommt sie hierher.</translation>
    </message>
    <message>
        <source>Nothing was missed</source>
        <translation>Nichts wurde verpasst</translation>
    </message>
    <message>
        <source>What was due while Nagatha was off or paused, or the machine slept, is shown here until you answer it.</source>
        <translation>Was fällig war, während Nagatha aus war oder pausierte oder der Rechner schlief, steht hier, bis Sie es beantworten.</translation>
    </message>
    <message>
        <source>1 was due while Nagatha was off</source>
        <translation>1 war fällig, während Nagatha aus war</translation>
    </message>
    <message>
        <source>{number} were due while Nagatha was off</source>
        <translation>{number} waren fällig, während Nagatha aus war</translation>
    </message>
    <message>
        <source>1 was due while the computer was asleep</source>
        <translation>1 war fällig, während der Rechner schlief</translation>
    </message>
    <message>
        <source>{number} were due while the computer was asleep</source>
        <translation>{number} waren fällig, während der Rechner schlief</translation>
    </message>
    <message>
        <source>1 was due while Nagatha was paused</source>
        <translation>1 war fällig, während Nagatha pausierte</translation>
    </message>
    <message>
        <source>{number} were due while Nagatha was paused</source>
        <translation>{number} waren fällig, während Nagatha pausierte</translation>
    </message>
    <message>
        <source>1 reminder was missed</source>
        <translation>1 Erinnerung wurde verpasst</translation>
    </message>
    <message>
        <source>{number} reminders were missed</source>
        <translation>{number} Erinnerungen wurden verpasst</translation>
    </message>
    <message>
        <source>repeats</source>
        <translation>wiederholt sich</translation>
    </message>
    <message>
        <source>every minute</source>
        <translation>jede Minute</translation>
    </message>
    <message>
        <source>every {number} minutes</source>
        <translation>alle {number} Minuten</translation>
    </message>
    <message>
        <source>hourly</source>
        <translation>stündlich</translation>
    </message>
    <message>
        <source>every {number} hours</source>
        <translation>alle {number} Stunden</translation>
    </message>
    <message>
        <source>daily</source>
        <translation>täglich</translation>
    </message>
    <message>
        <source>every {number} days</source>
        <translation>alle {number} Tage</translation>
    </message>
    <message>
        <source>weekly</source>
        <translation>wöchentlich</translation>
    </message>
    <message>
        <source>every {number} weeks</source>
        <translation>alle {number} Wochen</translation>
    </message>
    <message>
        <source>monthly</source>
        <translation>monatlich</translation>
    </message>
    <message>
        <source>every {number} months</source>
        <translation>alle {number} Monate</translation>
    </message>
    <message>
        <source>yearly</source>
        <translation>jährlich</translation>
    </message>
    <message>
        <source>every {number} years</source>
        <translation>alle {number} Jahre</translation>
    </message>
    <message>
        <source>weekdays</source>
        <translation>werktags</translation>
    </message>
    <message>
        <source>weekends</source>
        <translation>am Wochenende</translation>
    </message>
    <message>
        <source>every {days}</source>
        <translation>jeden {days}</translation>
    </message>
    <message>
        <source>{time} in {city}</source>
        <translation>{time} in {city}</translation>
    </message>
    <message>
        <source>missed</source>
        <translation>verpasst</translation>
    </message>
    <message>
        <source>kept back</source>
        <translation>zurückgehalten</translation>
    </message>
    <message>
        <source>{number} more before it</source>
        <translation>{number} weitere davor</translation>
    </message>
    <message>
        <source>snoozed</source>
        <translation>verschoben</translation>
    </message>
    <message>
        <source>urgent</source>
        <translation>dringend</translation>
    </message>
    <message>
        <source>ddd HH:mm</source>
        <translation>ddd HH:mm</translation>
    </message>
    <message>
        <source>done {time}</source>
        <translation>erledigt {time}</translation>
    </message>
    <message>
        <source>Done {time}</source>
        <translation>Erledigt {time}</translation>
    </message>
    <message>
        <source>Due {time}</source>
        <translation>Fällig {time}</translation>
    </message>
    <message>
        <source>{often}, next {time}</source>
        <translation>{often}, nächstes Mal {time}</translation>
    </message>
    <message>
        <source>Notify as soon as Nagatha is back</source>
        <translation>Melden, sobald Nagatha wieder da ist</translation>
    </message>
    <message>
        <source>Only list it</source>
        <translation>Nur auflisten</translation>
    </message>
    <message>
        <source>Leave it out</source>
        <translation>Auslassen</translation>
    </message>
</context>
<context>
    <name>RemindersPage</name>
    <message>
        <source>Reminders</source>
        <translation>Erinnerungen</translation>
    </message>
    <message>
        <source>Do not disturb</source>
        <translation>Nicht stören</translation>
    </message>
    <message>
        <source>Missed reminders</source>
        <translation>Verpasste Erinnerungen</translation>
    </message>
    <message>
        <source>Do not disturb until</source>
        <translation>Nicht stören bis</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 Stunde</translation>
    </message>
    <message>
        <source>Do not disturb for 1 hour</source>
        <translation>1 Stunde nicht stören</translation>
    </message>
    <message>
        <source>Tomorrow</source>
        <translation>Morgen</translation>
    </message>
    <message>
        <source>Choose …</source>
        <translation>Wählen …</translation>
    </message>
    <message>
        <source>Choose until when nobody is to disturb</source>
        <translation>Wählen, bis wann niemand stören soll</translation>
    </message>
    <message>
        <source>End it</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Quiet hours</source>
        <translation>Ruhezeiten</translation>
    </message>
    <message>
        <source>What is new then is said once they end. Urgent reminders come through.</source>
        <translation>Was dann neu ist, wird gemeldet, sobald sie enden. Dringende Erinnerungen kommen durch.</translation>
    </message>
    <message>
        <source>Quiet from</source>
        <translation>Ruhe ab</translation>
    </message>
    <message>
        <source>Quiet until</source>
        <translation>Ruhe bis</translation>
    </message>
    <message>
        <source>to</source>
        <translation>bis</translation>
    </message>
    <message>
        <source>When one was missed</source>
        <translation>Wenn eine verpasst wurde</translation>
    </message>
    <message>
        <source>What becomes of a time that passed while Nagatha was off. Each reminder can have its own way; this is how new ones begin.</source>
        <translation>Was aus einer Zeit wird, die verging, während Nagatha aus war. Jede Erinnerung kann es anders haben; so beginnen neue.</translation>
    </message>
    <message>
        <source>Notify</source>
        <translation>Melden</translation>
    </message>
    <message>
        <source>Only list it</source>
        <translation>Nur auflisten</translation>
    </message>
    <message>
        <source>Leave it out</source>
        <translation>Auslassen</translation>
    </message>
    <message>
        <source>Tomorrow {time}</source>
        <translation>Morgen {time}</translation>
    </message>
    <message>
        <source>Do not disturb until tomorrow {time}</source>
        <translation>Bis morgen {time} nicht stören</translation>
    </message>
    <message>
        <source>Not known yet.</source>
        <translation>Noch nicht bekannt.</translation>
    </message>
    <message>
        <source>Notifications come as they are due.</source>
        <translation>Meldungen kommen, sobald sie fällig sind.</translation>
    </message>
    <message>
        <source>Kept back until {time}, for these are quiet hours.</source>
        <translation>Zurückgehalten bis {time}, denn es ist Ruhezeit.</translation>
    </message>
    <message>
        <source>Kept back until {time}. Urgent reminders come through.</source>
        <translation>Zurückgehalten bis {time}. Dringende Erinnerungen kommen durch.</translation>
    </message>
</context>
<context>
    <name>RemindersWindow</name>
    <message>
        <source>Reminders – Nagatha</source>
        <translation>Erinnerungen – Nagatha</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>Nichts gefunden</translation>
    </message>
    <message>
        <source>No reminder here has these words in its text or notes.</source>
        <translation>Keine Erinnerung hier hat diese Wörter in Text oder Notizen.</translation>
    </message>
    <message>
        <source>End the search</source>
        <translation>Suche beenden</translation>
    </message>
    <message>
        <source>Exported.</source>
        <translation>Exportiert.</translation>
    </message>
    <message>
        <source>Remind again</source>
        <translation>Später erinnern</translation>
    </message>
    <message>
        <source>Saved.</source>
        <translation>Gespeichert.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Nothing in it was new.</source>
        <translation>Nichts darin war neu.</translation>
    </message>
    <message>
        <source>1 reminder was imported.</source>
        <translation>1 Erinnerung wurde importiert.</translation>
    </message>
    <message>
        <source>{number} reminders were imported.</source>
        <translation>{number} Erinnerungen wurden importiert.</translation>
    </message>
</context>
<context>
    <name>Routine</name>
    <message>
        <source>every day at {time}</source>
        <translation>täglich um {time}</translation>
    </message>
    <message>
        <source>every weekday at {time}</source>
        <translation>werktags um {time}</translation>
    </message>
    <message>
        <source>every {days} at {time}</source>
        <translation>jeden {days} um {time}</translation>
    </message>
    <message>
        <source>each month on day {day} at {time}</source>
        <translation>monatlich am {day}. um {time}</translation>
    </message>
    <message>
        <source>ddd d MMM yyyy</source>
        <translation>ddd d. MMM yyyy</translation>
    </message>
    <message>
        <source>once on {day} at {time}</source>
        <translation>einmal am {day} um {time}</translation>
    </message>
    <message>
        <source>by the cron line {line}</source>
        <translation>nach der Cron-Zeile {line}</translation>
    </message>
    <message>
        <source>by the rule {rule}</source>
        <translation>nach der Regel {rule}</translation>
    </message>
    <message>
        <source>ddd d MMM yyyy HH:mm</source>
        <translation>ddd d. MMM yyyy HH:mm</translation>
    </message>
    <message>
        <source>cost unknown</source>
        <translation>Kosten unbekannt</translation>
    </message>
    <message>
        <source>Run or skip?</source>
        <translation>Ausführen oder auslassen?</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>Wartet</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Waits for approval</source>
        <translation>Wartet auf Freigabe</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Erledigt</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Skipped</source>
        <translation>Ausgelassen</translation>
    </message>
    <message>
        <source>Interrupted</source>
        <translation>Unterbrochen</translation>
    </message>
    <message>
        <source>Paused itself</source>
        <translation>Selbst angehalten</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>paused itself: {number} failures in a row</source>
        <translation>hat sich angehalten: {number} Fehler in Folge</translation>
    </message>
    <message>
        <source>paused itself: {why}</source>
        <translation>hat sich angehalten: {why}</translation>
    </message>
    <message>
        <source>next {time}</source>
        <translation>nächster {time}</translation>
    </message>
    <message>
        <source>will not run again</source>
        <translation>läuft nicht mehr</translation>
    </message>
    <message>
        <source>never run</source>
        <translation>nie gelaufen</translation>
    </message>
    <message>
        <source>last {time}</source>
        <translation>zuletzt {time}</translation>
    </message>
</context>
<context>
    <name>RoutineEditor</name>
    <message>
        <source>New routine</source>
        <translation>Neue Routine</translation>
    </message>
    <message>
        <source>Edit routine</source>
        <translation>Routine bearbeiten</translation>
    </message>
    <message>
        <source>As in Settings</source>
        <translation>Wie in den Einstellungen</translation>
    </message>
    <message>
        <source>A new chat each time</source>
        <translation>Jedes Mal ein neuer Chat</translation>
    </message>
    <message>
        <source>{name} (not there now)</source>
        <translation>{name} (zurzeit nicht da)</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>A chat that is not listed</source>
        <translation>Ein Chat, der nicht aufgeführt ist</translation>
    </message>
    <message>
        <source>It would not run any more.</source>
        <translation>Sie würde nicht mehr laufen.</translation>
    </message>
    <message>
        <source>Next times: {text}</source>
        <translation>Nächste Termine: {text}</translation>
    </message>
    <message>
        <source>What stands for “{name}” is no JSON.</source>
        <translation>Was für „{name}“ dasteht, ist kein JSON.</translation>
    </message>
    <message>
        <source>It cannot be kept yet</source>
        <translation>Das lässt sich noch nicht speichern</translation>
    </message>
</context>
<context>
    <name>RoutineFields</name>
    <message>
        <source>Routine</source>
        <translation>Routine</translation>
    </message>
    <message>
        <source>What it does</source>
        <translation>Was sie tut</translation>
    </message>
    <message>
        <source>Ask the assistant</source>
        <translation>Den Assistenten fragen</translation>
    </message>
    <message>
        <source>Run a module&apos;s task</source>
        <translation>Aufgabe eines Moduls ausführen</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Summarise what is new in my feeds …</source>
        <translation>Fasse zusammen, was es in meinen Feeds Neues gibt …</translation>
    </message>
    <message>
        <source>Prompt</source>
        <translation>Auftrag</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>Aufgabe</translation>
    </message>
    <message>
        <source>Arguments</source>
        <translation>Argumente</translation>
    </message>
    <message>
        <source>Made from what it does</source>
        <translation>Ergibt sich aus dem Inhalt</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>Titel</translation>
    </message>
    <message>
        <source>When</source>
        <translation>Wann</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Time zone</source>
        <translation>Zeitzone</translation>
    </message>
    <message>
        <source>Next times</source>
        <translation>Nächste Termine</translation>
    </message>
    <message>
        <source>How</source>
        <translation>Wie</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Who is asked</source>
        <translation>Wer gefragt wird</translation>
    </message>
    <message>
        <source>All</source>
        <translation>Alle</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
    <message>
        <source>Only these</source>
        <translation>Nur diese</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Tools that it may use</source>
        <translation>Werkzeuge, die sie benutzen darf</translation>
    </message>
    <message>
        <source>Answers in</source>
        <translation>Antwortet in</translation>
    </message>
    <message>
        <source>Run once for all of them</source>
        <translation>Einmal für alle nachholen</translation>
    </message>
    <message>
        <source>Leave them out</source>
        <translation>Auslassen</translation>
    </message>
    <message>
        <source>Ask me</source>
        <translation>Nachfragen</translation>
    </message>
    <message>
        <source>Missed times</source>
        <translation>Verpasste Termine</translation>
    </message>
    <message>
        <source>Leave this time out</source>
        <translation>Diesen Termin auslassen</translation>
    </message>
    <message>
        <source>Run after it</source>
        <translation>Danach ausführen</translation>
    </message>
    <message>
        <source>Last one still runs</source>
        <translation>Voriger Lauf dauert an</translation>
    </message>
    <message>
        <source>Notify me when it ends</source>
        <translation>Am Ende benachrichtigen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
</context>
<context>
    <name>RoutineRow</name>
    <message>
        <source>Answer …</source>
        <translation>Antworten …</translation>
    </message>
    <message>
        <source>History</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Edit …</source>
        <translation>Ändern …</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Run now</source>
        <translation>Jetzt ausführen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>More: {title}</source>
        <translation>Mehr: {title}</translation>
    </message>
    <message>
        <source>Last {time}</source>
        <translation>Zuletzt {time}</translation>
    </message>
    <message>
        <source>Next {time}</source>
        <translation>Nächster {time}</translation>
    </message>
</context>
<context>
    <name>Routines</name>
    <message>
        <source>Your routines</source>
        <translation>Eigene Routinen</translation>
    </message>
    <message>
        <source>New routine …</source>
        <translation>Neue Routine …</translation>
    </message>
    <message>
        <source>A question or a module&apos;s task that runs by itself, each weekday at 8:30 for instance, is listed here.</source>
        <translation>Eine Frage oder die Aufgabe eines Moduls, die von selbst läuft, zum Beispiel werktags um 8:30, steht hier.</translation>
    </message>
    <message>
        <source>“{title}” is kept.</source>
        <translation>„{title}“ ist gespeichert.</translation>
    </message>
    <message>
        <source>“{title}” runs now.</source>
        <translation>„{title}“ läuft jetzt.</translation>
    </message>
    <message>
        <source>“{title}” was deleted.</source>
        <translation>„{title}“ wurde gelöscht.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
</context>
<context>
    <name>RowPainter</name>
    <message>
        <source>Title of the chat</source>
        <translation>Titel des Chats</translation>
    </message>
</context>
<context>
    <name>RunDetails</name>
    <message>
        <source>Details</source>
        <translation>Einzelheiten</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Progress of the batch</source>
        <translation>Fortschritt des Stapels</translation>
    </message>
    <message>
        <source>Parts of the details</source>
        <translation>Teile der Einzelheiten</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>Arguments</source>
        <translation>Argumente</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>About</source>
        <translation>Über</translation>
    </message>
    <message>
        <source>Show chat</source>
        <translation>Chat zeigen</translation>
    </message>
    <message>
        <source>Run now</source>
        <translation>Jetzt ausführen</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>Erneut</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Copy everything about this run</source>
        <translation>Alles über diesen Lauf kopieren</translation>
    </message>
    <message>
        <source>Close the details</source>
        <translation>Einzelheiten schließen</translation>
    </message>
    <message>
        <source>It was begun without arguments.</source>
        <translation>Er begann ohne Argumente.</translation>
    </message>
    <message>
        <source>There is no result.</source>
        <translation>Es gibt kein Ergebnis.</translation>
    </message>
    <message>
        <source>It has written nothing.</source>
        <translation>Er hat nichts aufgeschrieben.</translation>
    </message>
    <message>
        <source>Steps, one after the other: {number} of {all} have ended</source>
        <translation>Schritte, einer nach dem anderen: {number} von {all} beendet</translation>
    </message>
    <message>
        <source>Batch: {number} of {all} have ended</source>
        <translation>Stapel: {number} von {all} beendet</translation>
    </message>
    <message>
        <source>{number} failed</source>
        <translation>{number} fehlgeschlagen</translation>
    </message>
</context>
<context>
    <name>RunList</name>
    <message>
        <source>Nothing fits</source>
        <translation>Nichts passt</translation>
    </message>
    <message>
        <source>No run here has these words and is of this kind.</source>
        <translation>Kein Lauf hier hat diese Wörter und diese Art.</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>Alle zeigen</translation>
    </message>
</context>
<context>
    <name>RunRows</name>
    <message>
        <source>What</source>
        <translation>Was</translation>
    </message>
    <message>
        <source>Why</source>
        <translation>Warum</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>What went wrong</source>
        <translation>Was schiefging</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>At work</source>
        <translation>Läuft seit</translation>
    </message>
    <message>
        <source>When</source>
        <translation>Wann</translation>
    </message>
    <message>
        <source>Queued {time}</source>
        <translation>Eingereiht {time}</translation>
    </message>
    <message>
        <source>Begun {time}</source>
        <translation>Begonnen {time}</translation>
    </message>
    <message>
        <source>Ended {time}</source>
        <translation>Beendet {time}</translation>
    </message>
    <message>
        <source>Not before {time}</source>
        <translation>Nicht vor {time}</translation>
    </message>
</context>
<context>
    <name>Said</name>
    <message>
        <source>Background work is paused</source>
        <translation>Hintergrundarbeit ist angehalten</translation>
    </message>
    <message>
        <source>What is queued waits. Answers come all the same.</source>
        <translation>Was eingereiht ist, wartet. Antworten kommen trotzdem.</translation>
    </message>
</context>
<context>
    <name>ScheduleRow</name>
    <message>
        <source>Last run</source>
        <translation>Letzter Lauf</translation>
    </message>
    <message>
        <source>Last run of {title}</source>
        <translation>Letzter Lauf von {title}</translation>
    </message>
    <message>
        <source>Change …</source>
        <translation>Ändern …</translation>
    </message>
    <message>
        <source>Change how often: {title}</source>
        <translation>Ändern, wie oft: {title}</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Run now</source>
        <translation>Jetzt ausführen</translation>
    </message>
    <message>
        <source>Run now: {title}</source>
        <translation>Jetzt ausführen: {title}</translation>
    </message>
    <message>
        <source>by default {interval}</source>
        <translation>üblich {interval}</translation>
    </message>
    <message>
        <source>never run</source>
        <translation>nie gelaufen</translation>
    </message>
    <message>
        <source>last {time}</source>
        <translation>zuletzt {time}</translation>
    </message>
    <message>
        <source>next {time}</source>
        <translation>nächster {time}</translation>
    </message>
    <message>
        <source>Last {time}</source>
        <translation>Zuletzt {time}</translation>
    </message>
    <message>
        <source>Next {time}</source>
        <translation>Nächster {time}</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Angehalten</translation>
    </message>
</context>
<context>
    <name>Schedules</name>
    <message>
        <source>Schedules</source>
        <translation>Zeitpläne</translation>
    </message>
    <message>
        <source>Nothing is scheduled</source>
        <translation>Nichts ist geplant</translation>
    </message>
    <message>
        <source>What Nagatha and its modules do again and again is listed here.</source>
        <translation>Was Nagatha und die Module immer wieder tun, steht hier.</translation>
    </message>
    <message>
        <source>New routine …</source>
        <translation>Neue Routine …</translation>
    </message>
    <message>
        <source>Nagatha and its modules</source>
        <translation>Nagatha und ihre Module</translation>
    </message>
</context>
<context>
    <name>SearchLine</name>
    <message>
        <source>Search reminders</source>
        <translation>Erinnerungen durchsuchen</translation>
    </message>
    <message>
        <source>End the search</source>
        <translation>Suche beenden</translation>
    </message>
</context>
<context>
    <name>SearchPopup</name>
    <message>
        <source>Search all chats</source>
        <translation>Chats durchsuchen</translation>
    </message>
    <message>
        <source>Found</source>
        <translation>Treffer</translation>
    </message>
    <message>
        <source>Words, or parts of them, that stand in a message.</source>
        <translation>Wörter oder Wortteile, die in einer Nachricht stehen.</translation>
    </message>
    <message>
        <source>The newest {number} are shown.</source>
        <translation>Gezeigt werden die neuesten {number}.</translation>
    </message>
    <message>
        <source>↑ ↓ choose · Enter opens · Esc closes</source>
        <translation>↑ ↓ wählen · Eingabe öffnet · Esc schließt</translation>
    </message>
    <message>
        <source>Nothing holds these words.</source>
        <translation>Nirgends stehen diese Wörter.</translation>
    </message>
</context>
<context>
    <name>Setting</name>
    <message>
        <source>Default provider</source>
        <translation>Standardanbieter</translation>
    </message>
    <message>
        <source>Asked where a chat has chosen none.</source>
        <translation>Gefragt, wenn ein Chat keinen gewählt hat.</translation>
    </message>
    <message>
        <source>Default model</source>
        <translation>Standardmodell</translation>
    </message>
    <message>
        <source>Empty: the model of the default provider.</source>
        <translation>Leer: das Modell des Standardanbieters.</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatur</translation>
    </message>
    <message>
        <source>Low values answer soberly, high ones with more fancy.</source>
        <translation>Niedrige Werte antworten nüchtern, hohe mit mehr Fantasie.</translation>
    </message>
    <message>
        <source>Answer length</source>
        <translation>Länge der Antwort</translation>
    </message>
    <message>
        <source>The most that one answer may have.</source>
        <translation>So viel darf eine Antwort höchstens haben.</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Connect within</source>
        <translation>Verbinden innerhalb von</translation>
    </message>
    <message>
        <source>How long to wait for a server to take the call.</source>
        <translation>So lange darf ein Server zum Annehmen brauchen.</translation>
    </message>
    <message>
        <source>s</source>
        <translation>s</translation>
    </message>
    <message>
        <source>Silence at most</source>
        <translation>Höchstens still für</translation>
    </message>
    <message>
        <source>How long a server may send nothing, before its first word too.</source>
        <translation>So lange darf ein Server schweigen, auch vor dem ersten Wort.</translation>
    </message>
    <message>
        <source>Answer within</source>
        <translation>Antworten innerhalb von</translation>
    </message>
    <message>
        <source>How long one call to a model may take in all.</source>
        <translation>So lange darf ein Aufruf eines Modells insgesamt dauern.</translation>
    </message>
    <message>
        <source>Instructions</source>
        <translation>Anweisungen</translation>
    </message>
    <message>
        <source>Said to the model at the beginning of every chat.</source>
        <translation>Werden dem Modell am Anfang jedes Chats gesagt.</translation>
    </message>
    <message>
        <source>Rounds</source>
        <translation>Runden</translation>
    </message>
    <message>
        <source>How often the model may call tools before it has to answer.</source>
        <translation>So oft darf das Modell Werkzeuge aufrufen, bevor es antworten muss.</translation>
    </message>
    <message>
        <source>Tool within</source>
        <translation>Werkzeug innerhalb von</translation>
    </message>
    <message>
        <source>How long one call of a tool may take.</source>
        <translation>So lange darf ein Aufruf eines Werkzeugs dauern.</translation>
    </message>
    <message>
        <source>Tool result at most</source>
        <translation>Ergebnis eines Werkzeugs höchstens</translation>
    </message>
    <message>
        <source>What is longer is cut before the model reads it.</source>
        <translation>Längeres wird gekürzt, bevor das Modell es liest.</translation>
    </message>
    <message>
        <source>characters</source>
        <translation>Zeichen</translation>
    </message>
    <message>
        <source>Title chats automatically</source>
        <translation>Chats automatisch betiteln</translation>
    </message>
    <message>
        <source>The model finds a title.</source>
        <translation>Das Modell findet einen Titel.</translation>
    </message>
    <message>
        <source>Use answers again</source>
        <translation>Antworten wiederverwenden</translation>
    </message>
    <message>
        <source>What was asked a while ago is not asked again; the answer says so.</source>
        <translation>Was vor Kurzem gefragt wurde, wird nicht noch einmal gefragt; die Antwort sagt das.</translation>
    </message>
    <message>
        <source>Text file at most</source>
        <translation>Textdatei höchstens</translation>
    </message>
    <message>
        <source>Larger text files cannot be attached.</source>
        <translation>Größere Textdateien lassen sich nicht anhängen.</translation>
    </message>
    <message>
        <source>MB</source>
        <translation>MB</translation>
    </message>
    <message>
        <source>Image at most</source>
        <translation>Bild höchstens</translation>
    </message>
    <message>
        <source>Larger images cannot be attached.</source>
        <translation>Größere Bilder lassen sich nicht anhängen.</translation>
    </message>
    <message>
        <source>Broker</source>
        <translation>Broker</translation>
    </message>
    <message>
        <source>Where tasks are queued. Empty: the bundled broker, which needs no server.</source>
        <translation>Wo Aufgaben anstehen. Leer: der mitgelieferte Broker, der keinen Server braucht.</translation>
    </message>
    <message>
        <source>Result backend</source>
        <translation>Ergebnisspeicher</translation>
    </message>
    <message>
        <source>Where results are kept. Empty: with the bundled broker, or the broker&apos;s own.</source>
        <translation>Wo Ergebnisse liegen. Leer: beim mitgelieferten Broker, sonst im Speicher des Brokers.</translation>
    </message>
    <message>
        <source>Tasks at once</source>
        <translation>Aufgaben zugleich</translation>
    </message>
    <message>
        <source>How many tasks run at the same time.</source>
        <translation>So viele Aufgaben laufen gleichzeitig.</translation>
    </message>
    <message>
        <source>threads</source>
        <translation>Threads</translation>
    </message>
    <message>
        <source>Host</source>
        <translation>Host</translation>
    </message>
    <message>
        <source>Only this machine can reach it.</source>
        <translation>Nur von diesem Computer aus erreichbar.</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>Port</translation>
    </message>
    <message>
        <source>Where it listens.</source>
        <translation>Wo er lauscht.</translation>
    </message>
    <message>
        <source>Database</source>
        <translation>Datenbank</translation>
    </message>
    <message>
        <source>Empty: a file in the data folder.</source>
        <translation>Leer: eine Datei im Datenordner.</translation>
    </message>
    <message>
        <source>Back up daily</source>
        <translation>Täglich sichern</translation>
    </message>
    <message>
        <source>The newest 7 copies are kept, and one for each of 4 weeks.</source>
        <translation>Die neuesten 7 Kopien bleiben, und je eine für 4 Wochen.</translation>
    </message>
    <message>
        <source>Keep finished work</source>
        <translation>Erledigte Arbeit behalten</translation>
    </message>
    <message>
        <source>Older entries of the activity list are removed.</source>
        <translation>Ältere Einträge der Aktivitätsliste werden entfernt.</translation>
    </message>
    <message>
        <source>days</source>
        <translation>Tage</translation>
    </message>
    <message>
        <source>Keep deleted chats</source>
        <translation>Gelöschte Chats behalten</translation>
    </message>
    <message>
        <source>Until then they can be brought back.</source>
        <translation>Bis dahin lassen sie sich zurückholen.</translation>
    </message>
    <message>
        <source>Quiet from</source>
        <translation>Ruhe ab</translation>
    </message>
    <message>
        <source>Reminders are kept back from then on, e.g. 22:00.</source>
        <translation>Ab dann werden Erinnerungen zurückgehalten, z. B. 22:00.</translation>
    </message>
    <message>
        <source>Quiet until</source>
        <translation>Ruhe bis</translation>
    </message>
    <message>
        <source>What was kept back is told then, e.g. 07:00.</source>
        <translation>Dann wird gesagt, was zurückgehalten wurde, z. B. 07:00.</translation>
    </message>
    <message>
        <source>Missed reminders</source>
        <translation>Verpasste Erinnerungen</translation>
    </message>
    <message>
        <source>What becomes of times that passed while Nagatha was off.</source>
        <translation>Was aus Zeiten wird, die vergingen, während Nagatha aus war.</translation>
    </message>
    <message>
        <source>Modules on</source>
        <translation>Module an</translation>
    </message>
    <message>
        <source>Names, with commas between them.</source>
        <translation>Namen, durch Kommas getrennt.</translation>
    </message>
    <message>
        <source>Modules off</source>
        <translation>Module aus</translation>
    </message>
    <message>
        <source>Log level</source>
        <translation>Ausführlichkeit des Protokolls</translation>
    </message>
    <message>
        <source>What is less important is not written.</source>
        <translation>Weniger Wichtiges wird nicht geschrieben.</translation>
    </message>
    <message>
        <source>Levels of components</source>
        <translation>Ausführlichkeit je Bestandteil</translation>
    </message>
    <message>
        <source>Pairs such as worker.agent=DEBUG, with commas between them.</source>
        <translation>Paare wie worker.agent=DEBUG, durch Kommas getrennt.</translation>
    </message>
</context>
<context>
    <name>SettingField</name>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Default of “{title}”</source>
        <translation>Standard für „{title}“</translation>
    </message>
    <message>
        <source>Set by the environment, so it cannot be changed here.</source>
        <translation>Von der Umgebung vorgegeben, daher hier nicht änderbar.</translation>
    </message>
    <message>
        <source>Set by the nagatha.yaml in the folder that Nagatha was started in, so it cannot be changed here.</source>
        <translation>Von der nagatha.yaml im Startordner vorgegeben, daher hier nicht änderbar.</translation>
    </message>
    <message>
        <source>Saving …</source>
        <translation>Wird gespeichert …</translation>
    </message>
</context>
<context>
    <name>SettingsWindow</name>
    <message>
        <source>Settings – Nagatha</source>
        <translation>Einstellungen – Nagatha</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Pages of the settings</source>
        <translation>Seiten der Einstellungen</translation>
    </message>
    <message>
        <source>Settings › {page}</source>
        <translation>Einstellungen › {page}</translation>
    </message>
</context>
<context>
    <name>ShortcutRow</name>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Default key of “{title}”</source>
        <translation>Standardtaste für „{title}“</translation>
    </message>
    <message>
        <source>Use it here instead</source>
        <translation>Stattdessen hier verwenden</translation>
    </message>
    <message>
        <source>{key} is “{other}” already, which would have no key then.</source>
        <translation>{key} steht schon für „{other}“, das dann keine Taste mehr hätte.</translation>
    </message>
</context>
<context>
    <name>Shortcuts</name>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Search all chats</source>
        <translation>Chats durchsuchen</translation>
    </message>
    <message>
        <source>Find in the window</source>
        <translation>Im Fenster suchen</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>Antwort stoppen</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>Letzte Antwort kopieren</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Erneut antworten</translation>
    </message>
    <message>
        <source>Attach a file</source>
        <translation>Datei anhängen</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>Rename this chat</source>
        <translation>Diesen Chat umbenennen</translation>
    </message>
    <message>
        <source>Go to the message box</source>
        <translation>Zum Nachrichtenfeld</translation>
    </message>
    <message>
        <source>Show or hide the chats</source>
        <translation>Chats ein- oder ausblenden</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>Chat</translation>
    </message>
    <message>
        <source>Reminders</source>
        <translation>Erinnerungen</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>Aktivität</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Quick ask</source>
        <translation>Schnellfrage</translation>
    </message>
    <message>
        <source>All shortcuts</source>
        <translation>Alle Tastenkürzel</translation>
    </message>
    <message>
        <source>Quit Nagatha</source>
        <translation>Nagatha beenden</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Senden</translation>
    </message>
    <message>
        <source>New line</source>
        <translation>Neue Zeile</translation>
    </message>
    <message>
        <source>In an empty box: edit the last message</source>
        <translation>Im leeren Feld: letzte Nachricht bearbeiten</translation>
    </message>
    <message>
        <source>In the activity: cancel a run</source>
        <translation>In der Aktivität: einen Lauf abbrechen</translation>
    </message>
    <message>
        <source>In the reminders: done</source>
        <translation>In den Erinnerungen: erledigt</translation>
    </message>
    <message>
        <source>In the reminders: snooze</source>
        <translation>In den Erinnerungen: später</translation>
    </message>
    <message>
        <source>In the reminders: skip once</source>
        <translation>In den Erinnerungen: einmal auslassen</translation>
    </message>
    <message>
        <source>In the reminders: open its chat</source>
        <translation>In den Erinnerungen: Chat öffnen</translation>
    </message>
    <message>
        <source>In quick ask: open in chat</source>
        <translation>In der Schnellfrage: im Chat öffnen</translation>
    </message>
</context>
<context>
    <name>ShortcutsPage</name>
    <message>
        <source>Shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
    <message>
        <source>In Nagatha&apos;s windows</source>
        <translation>In Nagathas Fenstern</translation>
    </message>
    <message>
        <source>All back to the defaults</source>
        <translation>Alle auf Standard zurücksetzen</translation>
    </message>
    <message>
        <source>In text boxes</source>
        <translation>In Textfeldern</translation>
    </message>
    <message>
        <source>Everywhere on the desktop</source>
        <translation>Überall auf dem Desktop</translation>
    </message>
    <message>
        <source>Quick ask from everywhere</source>
        <translation>Schnellfrage von überall</translation>
    </message>
    <message>
        <source>Opens the quick window, whichever program is in front.</source>
        <translation>Öffnet die Schnellfrage, egal welches Programm vorn ist.</translation>
    </message>
    <message>
        <source>Command for a key of the desktop</source>
        <translation>Befehl für eine Taste der Arbeitsumgebung</translation>
    </message>
    <message>
        <source>Bind it in the settings of your desktop; it works everywhere, Wayland too.</source>
        <translation>In den Einstellungen der Arbeitsumgebung zuweisen; wirkt überall, auch unter Wayland.</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>Befehl kopieren</translation>
    </message>
    <message>
        <source>The key could not be had</source>
        <translation>Die Taste war nicht zu bekommen</translation>
    </message>
    <message>
        <source>Choose another one, or bind the command below.</source>
        <translation>Eine andere wählen oder den Befehl unten zuweisen.</translation>
    </message>
    <message>
        <source>This is not one key.</source>
        <translation>Das ist nicht eine einzelne Taste.</translation>
    </message>
    <message>
        <source>A key that writes needs Ctrl, Alt or Super with it.</source>
        <translation>Eine Schreibtaste braucht Strg, Alt oder Super dazu.</translation>
    </message>
</context>
<context>
    <name>ShortcutsWindow</name>
    <message>
        <source>All shortcuts – Nagatha</source>
        <translation>Alle Tastenkürzel – Nagatha</translation>
    </message>
    <message>
        <source>All shortcuts</source>
        <translation>Alle Tastenkürzel</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>Sidebar</name>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Search all chats</source>
        <translation>Chats durchsuchen</translation>
    </message>
    <message>
        <source>Chats that you begin are listed here.</source>
        <translation>Begonnene Chats stehen hier.</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>Archiv</translation>
    </message>
    <message>
        <source>Chats</source>
        <translation>Chats</translation>
    </message>
    <message>
        <source>The archive is empty.</source>
        <translation>Das Archiv ist leer.</translation>
    </message>
    <message>
        <source>Chat {title}</source>
        <translation>Chat {title}</translation>
    </message>
    <message>
        <source>Rename …</source>
        <translation>Umbenennen …</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Lösen</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>Anheften</translation>
    </message>
    <message>
        <source>Take out of the archive</source>
        <translation>Aus dem Archiv holen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
</context>
<context>
    <name>StateRow</name>
    <message>
        <source>Stopped</source>
        <translation>Gestoppt</translation>
    </message>
    <message>
        <source>Interrupted</source>
        <translation>Unterbrochen</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>Fortsetzen</translation>
    </message>
</context>
<context>
    <name>ToolCard</name>
    <message>
        <source>Tool {name}: {state}</source>
        <translation>Werkzeug {name}: {state}</translation>
    </message>
    <message>
        <source>running {time}</source>
        <translation>läuft {time}</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>Hide details</source>
        <translation>Einzelheiten ausblenden</translation>
    </message>
    <message>
        <source>Show details</source>
        <translation>Einzelheiten zeigen</translation>
    </message>
    <message>
        <source>Asked with</source>
        <translation>Gefragt mit</translation>
    </message>
    <message>
        <source>Answered</source>
        <translation>Geantwortet</translation>
    </message>
    <message>
        <source>nothing</source>
        <translation>nichts</translation>
    </message>
</context>
<context>
    <name>Top</name>
    <message>
        <source>Activity</source>
        <translation>Aktivität</translation>
    </message>
    <message>
        <source>What is shown</source>
        <translation>Was gezeigt wird</translation>
    </message>
    <message>
        <source>Schedules</source>
        <translation>Zeitpläne</translation>
    </message>
    <message>
        <source>Filter the runs</source>
        <translation>Läufe filtern</translation>
    </message>
    <message>
        <source>Clear the filter</source>
        <translation>Filter leeren</translation>
    </message>
    <message>
        <source>Kind of run</source>
        <translation>Art des Laufs</translation>
    </message>
    <message>
        <source>All kinds</source>
        <translation>Alle Arten</translation>
    </message>
    <message>
        <source>Resume background work</source>
        <translation>Hintergrundarbeit fortsetzen</translation>
    </message>
    <message>
        <source>Pause background work</source>
        <translation>Hintergrundarbeit anhalten</translation>
    </message>
    <message>
        <source>Filter by name, argument, error or chat</source>
        <translation>Nach Name, Argument, Fehler oder Chat filtern</translation>
    </message>
    <message>
        <source>Reminders</source>
        <translation>Erinnerungen</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>Search …</source>
        <translation>Suchen …</translation>
    </message>
    <message>
        <source>Import a calendar …</source>
        <translation>Kalender importieren …</translation>
    </message>
    <message>
        <source>Export as a calendar …</source>
        <translation>Als Kalender exportieren …</translation>
    </message>
    <message>
        <source>Quiet hours and missed reminders …</source>
        <translation>Ruhezeiten und Verpasstes …</translation>
    </message>
</context>
<context>
    <name>TopBar</name>
    <message>
        <source>Show or hide the chats</source>
        <translation>Chats ein- oder ausblenden</translation>
    </message>
    <message>
        <source>Nagatha</source>
        <translation>Nagatha</translation>
    </message>
    <message>
        <source>This chat</source>
        <translation>Dieser Chat</translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation>Startet …</translation>
    </message>
    <message>
        <source>● Engine stopped</source>
        <translation>● Angehalten</translation>
    </message>
    <message>
        <source>● This computer</source>
        <translation>● Dieser Computer</translation>
    </message>
    <message>
        <source>{number} failed</source>
        <translation>{number} fehlgeschlagen</translation>
    </message>
    <message>
        <source>{number} running</source>
        <translation>{number} in Arbeit</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>Activity: {state}</source>
        <translation>Aktivität: {state}</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Conversation</source>
        <translation>Unterhaltung</translation>
    </message>
    <message>
        <source>Messages</source>
        <translation>Nachrichten</translation>
    </message>
    <message>
        <source>What can I do for you?</source>
        <translation>Womit kann ich helfen?</translation>
    </message>
    <message>
        <source>Ask a question, paste a text or drop a file.</source>
        <translation>Frage stellen, Text einfügen oder Datei ablegen.</translation>
    </message>
    <message>
        <source>Jump to latest</source>
        <translation>Zum Neuesten</translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Quick ask …</source>
        <translation>Schnellfrage …</translation>
    </message>
    <message>
        <source>Settings …</source>
        <translation>Einstellungen …</translation>
    </message>
    <message>
        <source>Quit Nagatha</source>
        <translation>Nagatha beenden</translation>
    </message>
    <message>
        <source>Nagatha</source>
        <translation>Nagatha</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>startet</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>{number} running</source>
        <translation>{number} in Arbeit</translation>
    </message>
    <message>
        <source>For 1 hour</source>
        <translation>1 Stunde lang</translation>
    </message>
    <message>
        <source>Choose …</source>
        <translation>Wählen …</translation>
    </message>
    <message>
        <source>End it</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Do not disturb</source>
        <translation>Nicht stören</translation>
    </message>
    <message>
        <source>until {time}</source>
        <translation>bis {time}</translation>
    </message>
    <message>
        <source>Until tomorrow {time}</source>
        <translation>Bis morgen {time}</translation>
    </message>
    <message>
        <source>{number} failed</source>
        <translation>{number} fehlgeschlagen</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>Aktivität</translation>
    </message>
    <message>
        <source>Reminders</source>
        <translation>Erinnerungen</translation>
    </message>
    <message>
        <source>Resume background work</source>
        <translation>Hintergrundarbeit fortsetzen</translation>
    </message>
    <message>
        <source>Pause background work</source>
        <translation>Hintergrundarbeit anhalten</translation>
    </message>
    <message>
        <source>Keep awake while working</source>
        <translation>Bei der Arbeit wach bleiben</translation>
    </message>
    <message>
        <source>needs you</source>
        <translation>wartet auf Sie</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>{state}, background work is paused</source>
        <translation>{state}, Hintergrundarbeit ist angehalten</translation>
    </message>
    <message>
        <source>Nagatha: {state}</source>
        <translation>Nagatha: {state}</translation>
    </message>
    <message>
        <source>{number} today</source>
        <translation>{number} heute</translation>
    </message>
    <message>
        <source>{number} missed</source>
        <translation>{number} verpasst</translation>
    </message>
    <message>
        <source>Approvals</source>
        <translation>Freigaben</translation>
    </message>
</context>
<context>
    <name>Waiting</name>
    <message>
        <source>{problem}. Tried again now</source>
        <translation>{problem}. Neuer Versuch jetzt</translation>
    </message>
    <message>
        <source>{problem}. Tried again in {time}</source>
        <translation>{problem}. Neuer Versuch in {time}</translation>
    </message>
    <message>
        <source>Waits in the queue, about {time}</source>
        <translation>Wartet in der Schlange, etwa {time}</translation>
    </message>
    <message>
        <source>Waits in the queue … {time}</source>
        <translation>Wartet in der Schlange … {time}</translation>
    </message>
</context>
<context>
    <name>Wakefulness</name>
    <message>
        <source>Background work is running</source>
        <translation>Hintergrundarbeit läuft</translation>
    </message>
    <message>
        <source>Whether this computer can be kept awake is not known yet.</source>
        <translation>Ob dieser Computer wach gehalten werden kann, ist noch nicht bekannt.</translation>
    </message>
    <message>
        <source>This system cannot be asked to stay awake.</source>
        <translation>Dieses System lässt sich nicht wach halten.</translation>
    </message>
    <message>
        <source>The system refused to stay awake: {reason}</source>
        <translation>Das System hat es abgelehnt, wach zu bleiben: {reason}</translation>
    </message>
    <message>
        <source>The computer does not go to sleep while runs are at work.</source>
        <translation>Der Computer schläft nicht ein, solange Läufe bei der Arbeit sind.</translation>
    </message>
</context>
<context>
    <name>When</name>
    <message>
        <source>When</source>
        <translation>Wann</translation>
    </message>
    <message>
        <source>Every day</source>
        <translation>Täglich</translation>
    </message>
    <message>
        <source>Every weekday</source>
        <translation>Werktags</translation>
    </message>
    <message>
        <source>Weekly on …</source>
        <translation>Wöchentlich am …</translation>
    </message>
    <message>
        <source>Monthly on day …</source>
        <translation>Monatlich am Tag …</translation>
    </message>
    <message>
        <source>Once</source>
        <translation>Einmal</translation>
    </message>
    <message>
        <source>By a cron line</source>
        <translation>Nach einer Cron-Zeile</translation>
    </message>
    <message>
        <source>By a rule (RRULE)</source>
        <translation>Nach einer Regel (RRULE)</translation>
    </message>
    <message>
        <source>Day of the month</source>
        <translation>Tag des Monats</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>Tag</translation>
    </message>
    <message>
        <source>at</source>
        <translation>um</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Uhrzeit</translation>
    </message>
    <message>
        <source>Cron line: minute, hour, day, month, day of the week</source>
        <translation>Cron-Zeile: Minute, Stunde, Tag, Monat, Wochentag</translation>
    </message>
    <message>
        <source>Rule (RRULE)</source>
        <translation>Regel (RRULE)</translation>
    </message>
    <message>
        <source>Choose a day of the week.</source>
        <translation>Einen Wochentag wählen.</translation>
    </message>
    <message>
        <source>Write a cron line: minute, hour, day, month, day of the week.</source>
        <translation>Eine Cron-Zeile schreiben: Minute, Stunde, Tag, Monat, Wochentag.</translation>
    </message>
    <message>
        <source>Write a rule as iCalendar has it.</source>
        <translation>Eine Regel schreiben, wie iCalendar sie hat.</translation>
    </message>
</context>
<context>
    <name>WhenDialog</name>
    <message>
        <source>Day</source>
        <translation>Tag</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Uhrzeit</translation>
    </message>
    <message>
        <source>Choose a moment that is still to come.</source>
        <translation>Wählen Sie einen Zeitpunkt, der noch kommt.</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>WorkNews</name>
    <message>
        <source>Answered: {title}</source>
        <translation>Beantwortet: {title}</translation>
    </message>
    <message>
        <source>Answered</source>
        <translation>Beantwortet</translation>
    </message>
    <message>
        <source>Failed: {what}</source>
        <translation>Fehlgeschlagen: {what}</translation>
    </message>
    <message>
        <source>Done: {what}</source>
        <translation>Fertig: {what}</translation>
    </message>
    <message>
        <source>Paused: {what}</source>
        <translation>Angehalten: {what}</translation>
    </message>
    <message>
        <source>A job was due while Nagatha was off</source>
        <translation>Ein Auftrag war fällig, während Nagatha aus war</translation>
    </message>
    <message>
        <source>{number} jobs were due while Nagatha was off</source>
        <translation>{number} Aufträge waren fällig, während Nagatha aus war</translation>
    </message>
    <message>
        <source>Run what was missed now, or skip it?</source>
        <translation>Das Verpasste jetzt ausführen oder auslassen?</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>Ausführen</translation>
    </message>
    <message>
        <source>Skip</source>
        <translation>Auslassen</translation>
    </message>
    <message>
        <source>A job was due while the computer was asleep</source>
        <translation>Ein Auftrag war fällig, während der Rechner schlief</translation>
    </message>
    <message>
        <source>{number} jobs were due while the computer was asleep</source>
        <translation>{number} Aufträge waren fällig, während der Rechner schlief</translation>
    </message>
    <message>
        <source>A job was due while Nagatha was paused</source>
        <translation>Ein Auftrag war fällig, während Nagatha pausierte</translation>
    </message>
    <message>
        <source>{number} jobs were due while Nagatha was paused</source>
        <translation>{number} Aufträge waren fällig, während Nagatha pausierte</translation>
    </message>
    <message>
        <source>A job was missed</source>
        <translation>Ein Auftrag wurde verpasst</translation>
    </message>
    <message>
        <source>{number} jobs were missed</source>
        <translation>{number} Aufträge wurden verpasst</translation>
    </message>
    <message>
        <source>Nothing was run or skipped.</source>
        <translation>Nichts wurde ausgeführt oder ausgelassen.</translation>
    </message>
    <message>
        <source>{number} answers are there</source>
        <translation>{number} Antworten sind da</translation>
    </message>
    <message>
        <source>A chat</source>
        <translation>Ein Chat</translation>
    </message>
    <message>
        <source>{number} routines ended</source>
        <translation>{number} Routinen sind zu Ende</translation>
    </message>
    <message>
        <source>{number} routines paused themselves</source>
        <translation>{number} Routinen haben sich selbst angehalten</translation>
    </message>
    <message>
        <source>and {number} more</source>
        <translation>und {number} weitere</translation>
    </message>
</context>
<context>
    <name>_Answer</name>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
</context>
<context>
    <name>_Chip</name>
    <message>
        <source>reading …</source>
        <translation>wird gelesen …</translation>
    </message>
    <message>
        <source>{size} · about {tokens} tokens</source>
        <translation>{size} · etwa {tokens} Token</translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation>{name} entfernen</translation>
    </message>
</context>
<context>
    <name>document</name>
    <message>
        <source>[image: {name}]</source>
        <translation>[Bild: {name}]</translation>
    </message>
    <message>
        <source>[image]</source>
        <translation>[Bild]</translation>
    </message>
</context>
<context>
    <name>text</name>
    <message>
        <source>%n byte(s)</source>
        <translation>%n Byte</translation>
    </message>
</context>
</TS>
