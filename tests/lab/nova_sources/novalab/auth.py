"""``--auth token``: a paste filter that stands in for keystonemiddleware.

A token is ``user[:project[:role+role+...]]``. The words operator (role admin),
manager, member and reader alone stand for a user of that name with that role
(and the roles it implies) in the lab project; ``other`` is a member of
another project.
"""

PROJECT_ID = "6f70656e737461636b20342065766572"  # owner of the fake networks
OTHER_PROJECT_ID = "0c0ffee0c0ffee0c0ffee0c0ffee0c0f"
IMPLIED = {
    "operator": "admin,manager,member,reader",
    "manager": "manager,member,reader",
    "member": "member,reader",
    "reader": "reader",
}


def decode(token):
    user, _, rest = (token or "").partition(":")
    project, _, roles = rest.partition(":")
    if not user:
        return None
    if not project:
        project = OTHER_PROJECT_ID if user == "other" else PROJECT_ID
    if not roles:
        if user == "other":
            roles = IMPLIED["member"]
        elif user in IMPLIED:
            roles = IMPLIED[user]
        else:
            return None
    return user, project, roles.replace("+", ",")


def filter_factory(global_conf, **local_conf):
    def wrap(app):
        def middleware(environ, start_response):
            identity = decode(environ.get("HTTP_X_AUTH_TOKEN"))
            if identity is None:
                body = (
                    b'{"error": {"code": 401, "title": "Unauthorized", '
                    b'"message": "The request you have made requires '
                    b'authentication."}}'
                )
                start_response(
                    "401 Unauthorized", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
                )
                return [body]
            user, project, roles = identity
            environ.update(
                {
                    "HTTP_X_IDENTITY_STATUS": "Confirmed",
                    "HTTP_X_USER_ID": user,
                    "HTTP_X_USER_NAME": user,
                    "HTTP_X_PROJECT_ID": project,
                    "HTTP_X_PROJECT_NAME": project,
                    "HTTP_X_USER_DOMAIN_ID": "default",
                    "HTTP_X_PROJECT_DOMAIN_ID": "default",
                    "HTTP_X_ROLES": roles,
                }
            )
            return app(environ, start_response)

        return middleware

    return wrap
