from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, SetPasswordMixin
from django.contrib.auth.forms import PasswordChangeForm as BasePasswordChangeForm
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from webchat.base.changes import ChangesForm
from webchat.base.text import UncutEmailField, UncutField, uncut

from . import limits, services
from .mail import codes
from .models import User
from .names import NAME_OR_MAIL_AT_MOST, validate_length
from .passwords import PASSWORD_AT_MOST, one_form

REGISTRATION_CODE_AT_MOST = 1000  # characters; whoever runs the server chooses it
WRONG_PASSWORD = _("The password is wrong.")
# One sentence in place of the list that Django's validators make.
PASSWORD_HELP = _("At least 8 characters, not only digits, and nothing easy to guess.")


def _name_widget(**attrs: str) -> forms.TextInput:
    # The keyboard of a phone would begin every name with a capital.
    attrs = {"autocapitalize": "none", "autocomplete": "username", "spellcheck": "false"} | attrs
    return forms.TextInput(attrs=attrs)


def _new_name_field(**attrs: str) -> forms.CharField:
    return forms.CharField(
        label=_("User name"), validators=[validate_length], widget=_name_widget(**attrs)
    )


def _username_field() -> forms.CharField:
    """Make the field for an account's name; its mail address will do as well."""
    return UncutField(
        label=_("User name"),
        max_length=NAME_OR_MAIL_AT_MOST,
        widget=_name_widget(autofocus=""),
    )


def _current_password_field() -> forms.CharField:
    return UncutField(
        label=_("Password"),
        strip=False,
        max_length=PASSWORD_AT_MOST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def _email_field() -> UncutEmailField:
    return UncutEmailField(
        label=_("Email"),
        max_length=NAME_OR_MAIL_AT_MOST,
        widget=forms.EmailInput(attrs={"autocapitalize": "none", "autocomplete": "email"}),
    )


class RegisterForm(SetPasswordMixin, forms.Form):
    username = _new_name_field(autofocus="")
    email = _email_field()
    password1, password2 = SetPasswordMixin.create_password_fields(
        label1=_("Password"), label2=_("Password again")
    )
    password1.help_text = PASSWORD_HELP
    password2.help_text = ""
    registration_code = UncutField(
        label=_("Registration code"),
        help_text=_("The administrator gives it to you."),
        max_length=REGISTRATION_CODE_AT_MOST,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address
        if settings.REGISTRATION != "code":
            del self.fields["registration_code"]
        if settings.MAIL_MODE == "off":
            del self.fields["email"]

    def clean_username(self) -> str:
        return services.check_available(self.cleaned_data["username"])

    def clean_registration_code(self) -> str:
        code: str = self.cleaned_data["registration_code"]
        guess = limits.take(*limits.REGISTRATION_CODE.at(self.address))
        if not constant_time_compare(one_form(code), one_form(settings.REGISTRATION_CODE)):
            raise ValidationError(_("The registration code is wrong."), "invalid")
        guess.give_back()
        return code

    def clean(self) -> None:
        if settings.REGISTRATION == "closed":
            message = _("Registration is closed. Please ask the administrator for an account.")
            raise ValidationError(message, "closed")
        self.validate_passwords()
        user = User(username=self.cleaned_data.get("username", ""))
        self.validate_password_for_user(user, "password1")


class LoginForm(AuthenticationForm):
    username = _username_field()
    password = _current_password_field()
    shared = forms.BooleanField(
        label=_("Public computer"),
        help_text=_("You are logged out when the browser is closed."),
        required=False,
    )

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _("The user name or the password is wrong.")
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _uncut_name(self)
        if settings.MAIL_MODE != "off":
            self.fields["username"].label = _("User name or email")

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        _refuse_unverified(user)


class StaffLoginForm(AdminAuthenticationForm):
    """The admin's own form, with our rules."""

    username = _username_field()
    password = _current_password_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _uncut_name(self)

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        _refuse_unverified(user)


def _uncut_name(form: forms.Form) -> None:
    """Take back what Django's forms add: the length of a name, where a mail will do as well."""
    widget = form.fields["username"].widget
    widget.attrs = uncut(widget.attrs)


def _refuse_unverified(user: User) -> None:
    if user.unverified_since is not None:
        message = _("Your email address is not verified yet: type the code from the mail.")
        raise ValidationError(message, "unverified")


class PasswordChangeForm(BasePasswordChangeForm):
    error_messages = BasePasswordChangeForm.error_messages | {"password_incorrect": WRONG_PASSWORD}

    def __init__(self, *args: Any, just_changed: bool = False, **kwargs: Any) -> None:
        """Make the form; `just_changed`: in this session, so that it may be sent twice."""
        super().__init__(*args, **kwargs)
        self.just_changed = just_changed
        self.is_done = False
        self.fields["new_password1"].help_text = PASSWORD_HELP
        again = self.fields["new_password2"]
        again.label, again.help_text = _("Password again"), ""

    def clean_old_password(self) -> str:
        guess = limits.take(limits.OWN_PASSWORD.of(self.user.pk))
        try:
            super().clean_old_password()
        except ValidationError:
            self.is_done = self._is_sent_again()
            if not self.is_done:
                raise
        guess.give_back()
        return str(self.cleaned_data["old_password"])

    def _is_sent_again(self) -> bool:
        """Whether the new password is set already. Only this session's: that answers no guess."""
        new = self.data.get("new_password1", "")
        is_same = new == self.data.get("new_password2")
        return self.just_changed and is_same and bool(self.user.check_password(new))

    def clean_new_password1(self) -> str:
        password: str = self.cleaned_data["new_password1"]
        # Compared with the old one once that proved right: comparing hashes would answer guesses.
        is_old = one_form(password) == one_form(self.cleaned_data.get("old_password", ""))
        if self.user.must_change_password and is_old:
            raise ValidationError(_("Please choose another password than this one."), "invalid")
        return password


class OwnPasswordForm(forms.Form):
    """A form that asks a logged-in user for the password: the device may be in other hands."""

    password = _current_password_field()

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        guess = limits.take(limits.OWN_PASSWORD.of(self.user.pk))
        if not self.user.check_password(password):
            raise ValidationError(WRONG_PASSWORD, "invalid")
        guess.give_back()
        return password


class DeleteForm(OwnPasswordForm):
    pass


class RenameForm(OwnPasswordForm):
    username = _new_name_field(autocomplete="off", autofocus="")
    username.label = _("New user name")

    field_order = ["username", "password"]


class SettingsForm(ChangesForm, forms.ModelForm):
    class Meta:
        model = User
        fields = ["theme", "text_size", "plays_sound", "counts_in_title", "shows_online"]
        widgets = {"theme": forms.RadioSelect, "text_size": forms.RadioSelect}


class CodeForm(forms.Form):
    code = UncutField(
        label=_("Code"),
        max_length=codes.TYPED_AT_MOST,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": ""}
        ),
    )


class ForgottenForm(forms.Form):
    username = _username_field()
    username.label = _("User name or email")


class ResetForm(SetPasswordMixin, forms.Form):
    username = _username_field()
    username.label = _("User name or email")
    code = UncutField(
        label=_("Code"),
        max_length=codes.TYPED_AT_MOST,
        required=False,
        widget=forms.TextInput(
            attrs={"autocapitalize": "characters", "autocomplete": "one-time-code"}
        ),
    )
    token = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)
    new_password1, new_password2 = SetPasswordMixin.create_password_fields(
        label1=_("New password"), label2=_("Password again")
    )
    new_password1.help_text = PASSWORD_HELP
    new_password2.help_text = ""

    def clean(self) -> None:
        self.validate_passwords("new_password1", "new_password2")
        user = User(username=self.cleaned_data.get("username", ""))
        self.validate_password_for_user(user, "new_password1")
        if not self.cleaned_data.get("code") and not self.cleaned_data.get("token"):
            self.add_error("code", ValidationError(_("Please type the code."), "required"))


class EmailForm(OwnPasswordForm):
    email = _email_field()

    field_order = ["email", "password"]
