// The tutorial's page in Go: net/http and Google's Firestore client, whose transaction does it all.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"html"
	"log"
	mathrand "math/rand"
	"net"
	"net/http"
	"os"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var greetings = []string{"Hello World", "Hallo Welt", "Ciao Mondo", "Salut le Monde", "Hola Mundo"}

type session struct {
	Greeting string `firestore:"greeting"`
	Views    int    `firestore:"views"`
}

func newID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		log.Fatal(err)
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Counts a view of the session with this id, or of a new one.
func count(ctx context.Context, client *firestore.Client, id string) (viewed session, newest string, err error) {
	sessions := client.Collection("sessions")
	err = client.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
		viewed, newest = session{}, id
		if id != "" {
			found, err := tx.Get(sessions.Doc(id))
			if err == nil {
				err = found.DataTo(&viewed)
			}
			if err != nil && status.Code(err) != codes.NotFound {
				return err
			}
		}
		if viewed.Greeting == "" {
			newest = newID()
			viewed = session{Greeting: greetings[mathrand.Intn(len(greetings))]}
		}
		viewed.Views++
		return tx.Set(sessions.Doc(newest), viewed)
	})
	return viewed, newest, err
}

func main() {
	client, err := firestore.NewClient(context.Background(), os.Getenv("GOOGLE_CLOUD_PROJECT"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		id := ""
		if cookie, err := r.Cookie("session_id"); err == nil {
			id = cookie.Value
		}
		viewed, newest, err := count(r.Context(), client, id)
		if err != nil {
			http.Error(w, "The session can't be reached.", http.StatusServiceUnavailable)
			return
		}
		if newest != id {
			http.SetCookie(w, &http.Cookie{Name: "session_id", Value: newest, Path: "/", HttpOnly: true})
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><title>Hello</title><h1>%d views for &quot;%s&quot;</h1>\n", viewed.Views, html.EscapeString(viewed.Greeting))
	})
	log.Fatal(http.ListenAndServe(net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), nil))
}
