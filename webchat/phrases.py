"""Phrases that Django and Python have no Chinese for, or none that reads well, for our catalogue.

`makemessages` reads it, and the admin's scripts get theirs from here.
A test tells what the next Django lacks.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

FORMS = (
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
        0,
    ),
    gettext_noop("%(model)s instance with %(field)s %(value)r is not a valid choice."),
)
ADMIN = (
    gettext_noop("Model name"),
    gettext_noop("Add link"),
    gettext_noop("Change or view list link"),
    gettext_noop("Error:"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop("Forgotten your login credentials?"),
    gettext_noop("In case you’ve forgotten, you are:"),
)
# Their Chinese has blanks around what is named, or is longer than the buttons of a phone.
WORDED = (
    gettext_noop("Groups"),  # the names of fields, as its history writes them
    gettext_noop("User permissions"),
    gettext_noop("Superuser status"),
    gettext_noop("Must change password"),
    gettext_noop("Name"),
    gettext_noop("Add %s"),
    gettext_noop("Add %(name)s"),
    gettext_noop("Change %s"),
    gettext_noop("View %s"),
    gettext_noop("Select %s to change"),
    gettext_noop("Select %s to view"),
    gettext_noop("Change history: %s"),
    gettext_noop("%(app)s administration"),
    gettext_noop("group"),
    gettext_noop("Enter a valid email address."),
    gettext_noop("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
    gettext_noop(
        "Please enter the correct %(username)s and password for a staff account. Note that both"
        " fields may be case-sensitive."
    ),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
    gettext_noop(
        "Items must be selected in order to perform actions on them. No items have been changed."
    ),
    gettext_noop("No action selected."),
    gettext_noop("0 of %(cnt)s selected"),
    gettext_noop("Successfully deleted %(count)d %(items)s."),
    gettext_noop("Delete selected %(verbose_name_plural)s"),
    gettext_noop(
        'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of the'
        " following related items will be deleted:"
    ),
    gettext_noop(
        "Are you sure you want to delete the selected %(objects_name)s? All of the following"
        " objects and their related items will be deleted:"
    ),
    gettext_noop("Yes, I’m sure"),
    gettext_noop("No, take me back"),
)
# Of argparse, in any Python from 3.11 on, and of the options that all commands have.
COMMANDS = (
    gettext_noop("usage: "),
    gettext_noop("%(heading)s:"),
    gettext_noop(" (default: %(default)s)"),
    gettext_noop("positional arguments"),
    gettext_noop("options"),
    gettext_noop("show this help message and exit"),
    gettext_noop("argument %(argument_name)s: %(message)s"),
    gettext_noop("the following arguments are required: %s"),
    gettext_noop("one of the arguments %s is required"),
    gettext_noop("not allowed with argument %s"),
    gettext_noop("ignored explicit argument %r"),
    gettext_noop("unrecognized arguments: %s"),
    gettext_noop("ambiguous option: %(option)s could match %(matches)s"),
    gettext_noop("expected one argument"),
    gettext_noop("expected at most one argument"),
    gettext_noop("expected at least one argument"),
    ngettext_lazy("expected %s argument", "expected %s arguments", 0),
    gettext_noop("invalid %(type)s value: %(value)r"),
    gettext_noop("invalid choice: %(value)r (choose from %(choices)s)"),
    gettext_noop("%(prog)s: error: %(message)s\n"),
    gettext_noop("Display a full stack trace on CommandError exceptions."),
    gettext_noop("Don't colorize the command output."),
    gettext_noop("Skip system checks."),
    # Of collectstatic, which releases run.
    gettext_noop("Do NOT prompt the user for input of any kind."),
    gettext_noop("Do NOT post process collected files."),
    gettext_noop(
        "Ignore files or directories matching this glob-style pattern. Use multiple times to"
        " ignore more."
    ),
    gettext_noop("Do everything except modify the filesystem."),
    gettext_noop(
        "Clear the existing files using the storage before trying to copy or link the original"
        " file."
    ),
    gettext_noop("Create a symbolic link to each file instead of copying."),
    gettext_noop(
        "Don't ignore the common private glob-style patterns (defaults to 'CVS', '.*' and '*~')."
    ),
)
SCRIPTS = (
    gettext_noop("Available %s"),
    gettext_noop("Chosen %s"),
    gettext_noop("Choose all %s"),
    gettext_noop("Choose selected %s"),
    gettext_noop("Remove all %s"),
    gettext_noop("Remove selected %s"),
    gettext_noop('Choose %s by selecting them and then select the "Choose" arrow button.'),
    gettext_noop('Remove %s by selecting them and then select the "Remove" arrow button.'),
    gettext_noop("(click to clear)"),
)
