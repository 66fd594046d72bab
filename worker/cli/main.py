"""The command `nagatha`.

Owns the list of its commands. Each lives with its like; all work on the same data as the
windows do.
"""

import click

from worker import __version__
from worker.cli import approvals, chat, jobs, ops, reminders, schedule


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nagatha")
def main() -> None:
    """Nagatha on the command line: the same chats, tasks and settings as in the windows."""


for _command in (
    chat.ask,
    chat.chats,
    ops.run_task,
    ops.list_things,
    ops.modules,
    ops.status,
    jobs.jobs,
    jobs.retry,
    jobs.cancel,
    jobs.schedules,
    schedule.schedule,
    approvals.approvals,
    reminders.remind,
    reminders.reminders,
    ops.config,
    ops.worker,
    ops.doctor,
    ops.backup,
    ops.restore,
    ops.export,
    ops.import_all,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
