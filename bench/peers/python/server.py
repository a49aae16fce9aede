"""The tutorial's page in Python: Flask, waitress, and Google's Firestore client, whose transaction does it all."""

import os
import random
import uuid

import waitress
from flask import Flask, make_response, request
from google.cloud import firestore
from markupsafe import escape

GREETINGS = ["Hello World", "Hallo Welt", "Ciao Mondo", "Salut le Monde", "Hola Mundo"]

app = Flask(__name__)
client = firestore.Client(project=os.environ["GOOGLE_CLOUD_PROJECT"])
sessions = client.collection("sessions")


@firestore.transactional
def count(transaction, session_id):
    """Counts a view of the session with this id, or of a new one."""
    found = sessions.document(session_id).get(transaction=transaction) if session_id else None
    if found is not None and found.exists:
        viewed = found.to_dict()
    else:
        session_id = str(uuid.uuid4())
        viewed = {"greeting": random.choice(GREETINGS), "views": 0}
    viewed["views"] += 1
    transaction.set(sessions.document(session_id), viewed)
    return session_id, viewed


@app.get("/readyz")
def ready():
    return ""


@app.get("/")
def page():
    known = request.cookies.get("session_id")
    session_id, viewed = count(client.transaction(), known)
    text = f"{viewed['views']} views for &quot;{escape(viewed['greeting'])}&quot;"
    response = make_response(f"<!DOCTYPE html><title>Hello</title><h1>{text}</h1>\n")
    if session_id != known:
        response.set_cookie("session_id", session_id, httponly=True)
    return response


waitress.serve(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), threads=32)
